"""The index of passages: what is known ashore, to be searched aboard."""
