"""What the rehearsal asks of a kernel whose models read passages."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from foldship.rehearsal.checks import passages
from foldship_kernel.retrieval import RetrievalSpec
from foldship_kernel.tasks import CLASSES, Task

WHOLE = {"passages": 900, "rows": 2, "by_meaning": 2, "seconds": 0.1}


def run(told: object, *, dense: float = 0.5, retrieves: bool = True) -> Any:
    """Evidence of a run over two rows."""
    spec = RetrievalSpec("{text}", dense=dense) if retrieves else None
    task = Task("q", "id", {"text": "{text}"}, ("yes", "no"), CLASSES, {"answer": "class"}, retrieval=spec)
    template = pd.DataFrame({"id": ["1", "2"], "answer": ""})
    summary = {} if told is None else {"retrieval": told}
    return SimpleNamespace(task=task, template=template, summary=summary)


def test_every_row_was_looked_up() -> None:
    found = passages.check(run(WHOLE))
    assert found.passed and "2 rows looked up among 900 passages" in found.seen
    assert passages.check(run({**WHOLE, "by_meaning": 0}, dense=0.0)).passed
    assert passages.check(run(None, retrieves=False)).passed is None


@pytest.mark.parametrize(
    ("told", "seen"),
    [
        (None, "without passages"),
        ("odd", "without passages"),
        ({**WHOLE, "rows": 1, "by_meaning": 1}, "1 rows looked up among 900 passages, of 2"),
        ({**WHOLE, "by_meaning": 1}, "1 of them by words only"),
    ],
)
def test_what_was_not_looked_up_is_said(told: object, seen: str) -> None:
    found = passages.check(run(told))
    assert not found.passed and seen in found.seen and found.remedy
