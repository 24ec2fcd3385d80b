"""Scheduling: the order in which the kernel runs the folds, by expected gain per second."""

from foldship.scheduling.stage import FILE_NAME, run

__all__ = ["FILE_NAME", "run"]
