"""Models that were trained elsewhere, laid down as training leaves its own."""

from foldship.adoption.run import Given, run

__all__ = ["Given", "run"]
