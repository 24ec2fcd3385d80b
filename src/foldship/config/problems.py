"""What pydantic found wrong, in words: one line per key."""

from __future__ import annotations

from pydantic import ValidationError

INDENT = "\n            "  # below the first line after "found:"
MOST_SHOWN = 80  # characters of a value


def listed(error: ValidationError) -> str:
    """Every key that cannot be used, with its path, the reason, and the value that was found."""
    return INDENT.join(
        f"{'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']} (found {_short(e['input'])})"
        for e in error.errors()
    )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 3] + "..."
