"""Folders that are the same to the last attribute, so that archives of them are identical, too."""

from __future__ import annotations

import os
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o644, 0o755
# 2000-01-01 00:00 UTC: within what every archive format can hold.
TIME_S = 946_684_800


def make(folder: Path) -> None:
    """Give a folder and all below it fixed modes and times of change.

    Raises:
        OSError: one of them cannot be changed.
    """
    for path in (*sorted(folder.rglob("*"), reverse=True), folder):
        path.chmod(FOLDER_MODE if path.is_dir() else FILE_MODE)
        os.utime(path, (TIME_S, TIME_S))
