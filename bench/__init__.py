"""Benchmarks: the kernel against what people would run instead. `make bench`."""
