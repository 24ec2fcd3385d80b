"""From the bundle's folders to a finished run on Kaggle, in steps that resume where they stopped."""
