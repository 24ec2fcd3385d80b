"""The hash that binds a kernel's entry script to the code in its dataset."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

_BOUND = re.compile(r'^CODE_SHA256 = "([0-9a-f]{64})"$', re.MULTILINE)


def code_digest(code: Path) -> str:
    """SHA-256 in hex over the names and contents of all Python files below `code`, sorted by name.

    The same as `digest` of the entry script, without running that script.
    """
    total = hashlib.sha256()
    for path in sorted(code.rglob("*.py"), key=lambda path: path.relative_to(code).as_posix()):
        total.update(path.relative_to(code).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def bound_to(script: str) -> str | None:
    """The digest of the code that an entry script looks for; None if it names none."""
    found = _BOUND.search(script)
    return found[1] if found else None
