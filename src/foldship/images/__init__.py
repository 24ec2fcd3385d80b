"""What is known of the images that kernels run in: Python, packages, CUDA, machines, limits."""
