"""From the bundle's folders to a finished run on Kaggle, in steps that resume where they stopped."""

from __future__ import annotations

from foldship.pushing.push import push

__all__ = ["push"]
