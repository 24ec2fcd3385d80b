"""A first declaration of a competition, from what its files look like."""

from __future__ import annotations

from foldship.competitions.guess.declaration import Guess, look
from foldship.competitions.guess.layout import training_file

__all__ = ["Guess", "look", "training_file"]
