"""What nobody foresaw ends in one short message: what was done, why it failed, details, what to try."""

from foldship.mishaps.activity import doing, step
from foldship.mishaps.telling import program

__all__ = ["doing", "program", "step"]
