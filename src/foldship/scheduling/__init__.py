"""Scheduling: the order in which the kernel runs the folds, by expected gain per second."""

from foldship.scheduling.stage import FILE_NAME, PER_ROWS, run

__all__ = ["FILE_NAME", "PER_ROWS", "run"]
