"""Foldship ashore: folds, training, selection, export, bundling and rehearsal of offline kernels."""
