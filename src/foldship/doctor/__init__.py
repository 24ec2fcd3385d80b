"""What would go wrong on Kaggle, asked before anything is spent: one rule a file."""
