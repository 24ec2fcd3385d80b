"""Ashore: everything that happens before the kernel runs: data, training, selection, export, shipping."""
