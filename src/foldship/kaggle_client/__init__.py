"""Kaggle's API through the `kaggle` package: one connection, retries, and answers in plain words."""
