"""From exported folds to the two folders that Kaggle takes: a dataset and a kernel."""
