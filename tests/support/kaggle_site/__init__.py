"""A stand-in for Kaggle's API on this machine, reached by the unmodified `kaggle` program and package."""

from kaggle_site import faults, runners
from kaggle_site.datasets import Dataset, Version
from kaggle_site.kernels import Kernel
from kaggle_site.sessions import Session
from kaggle_site.site import Site

__all__ = ["Dataset", "Kernel", "Session", "Site", "Version", "faults", "runners"]
