"""Texts without the folders of this machine: a page may be shown to anyone."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path

SOMEWHERE = "..."
# What a kernel is given is the same on every machine.
_START = r"(?<![\w:/.<~])(?:~|\.\.\.|[A-Za-z]:\\|/(?!kaggle/|/))"
_PATH = re.compile(_START + r"[^\s,;:'\"()<>|]*[/\\][^\s,;'\"()<>|]*")
_HOMES = {"home", "Users", "root", "tmp", "var"}


def hidden(text: str, folders: Iterable[Path] = ()) -> str:
    """`text` with no more than the last name of each path.

    Args:
        text: any text.
        folders: that are known to stand in it, with spaces in their names perhaps.
    """
    known = {str(folder) for folder in (*folders, Path.home(), Path(tempfile.gettempdir()))} - {"/", "."}
    for folder in sorted(known, key=len, reverse=True):
        text = re.sub(rf"(?<![\w/.-]){re.escape(folder)}(?=/|\b|$)", SOMEWHERE, text)
    return _PATH.sub(_last, text)


def _last(found: re.Match[str]) -> str:
    parts = [part for part in re.split(r"[/\\]", found[0]) if part]
    bare = len(parts) < 2 or (len(parts) == 2 and parts[0] in _HOMES)
    return SOMEWHERE if bare else f"{SOMEWHERE}/{parts[-1]}"
