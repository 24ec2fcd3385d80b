"""What a push has done so far, on disk: another one goes on from there.

Only what Kaggle cannot tell is kept; the state of datasets and runs is asked for each time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foldship import secrets
from foldship_kernel import atomic

FILE_NAME = "push.json"


class Record:
    """A small JSON object, written after each change.

    Args:
        path: file that holds it.
        key: what is pushed, as a hash; what was noted of anything else is forgotten.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._facts: dict[str, Any] = {"key": key}
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            facts = {}
        if isinstance(facts, dict) and facts.get("key") == key:
            self._facts = facts

    def get(self, name: str) -> dict[str, Any]:
        """What is noted by this name; empty if nothing is."""
        value = self._facts.get(name)
        return dict(value) if isinstance(value, dict) else {}

    def put(self, name: str, value: Mapping[str, Any]) -> None:
        """Note it, on disk, before going on."""
        self._facts[name] = secrets.scrubbed(dict(value))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write_json(self._path, self._facts)

    def forget(self, *names: str) -> None:
        """Drop what is noted by these names."""
        for name in names:
            self._facts.pop(name, None)
        if self._path.is_file():
            atomic.write_json(self._path, self._facts)
