"""What people would run instead of our engine, each as they would run it.

Every peer gets the same token sequences and returns their mean-pooled vectors: (rows, width) float32.
"""
