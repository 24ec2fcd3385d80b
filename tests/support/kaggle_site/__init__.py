"""A stand-in for Kaggle's API on this machine, reached by the unmodified `kaggle` program and package."""

from kaggle_site import faults, runners
from kaggle_site.quota import Quota
from kaggle_site.sessions import Kernel, Session
from kaggle_site.site import Site
from kaggle_site.versions import Dataset, Version

__all__ = ["Dataset", "Kernel", "Quota", "Session", "Site", "Version", "faults", "runners"]
