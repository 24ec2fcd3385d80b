"""Training: one fold after another through its stages, resumable at any moment."""
