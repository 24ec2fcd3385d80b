"""Long texts on which a search that goes back over what it has seen would take minutes."""

from __future__ import annotations

HOSTILE = {
    "dollars": "$" * 300_000,
    "formulas that never end": "$a " * 100_000,
    "environments that never end": "\\begin{a}" * 33_000,
    "tags that never end": "<p " * 100_000,
    "one long line": "x" * 300_000,
    "dots": "." * 300_000,
    "line breaks": "\n " * 150_000,
    "quotes": '"' * 300_000,
    "calls": "a(" * 150_000,
    "links": "http://" * 43_000,
    "entities": "&amp" * 75_000,
    "backticks": "`" * 300_000,
    "assignments": "a=" * 150_000,
}
