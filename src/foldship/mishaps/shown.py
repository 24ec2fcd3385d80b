"""The one way of texts about mishaps to a screen or file."""

from __future__ import annotations

from foldship import secrets


def shown(text: str) -> str:
    """`text` as it may be shown: keys and tokens are taken out."""
    return secrets.scrub(text)
