from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from foldship.rehearsal.inside import supervisor

PLAN = {
    "offline": False,
    "absent": [],
    "read_only": [],
    "writable": [],
    "hidden": [],
}


@pytest.mark.parametrize(
    ("content", "limit"), [("1048576\n", 1 << 20), ("max\n", None), ("9223372036854771712\n", None)]
)
def test_the_memory_limit_is_read_where_the_sandbox_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, limit: int | None
) -> None:
    shown = tmp_path / "memory.max"
    shown.write_text(content)
    monkeypatch.setattr(supervisor, "MEMORY_LIMITS", (str(tmp_path / "absent"), str(shown)))
    assert supervisor.memory_limit() == limit


def test_a_working_folder_without_the_planned_limit_is_a_failure(tmp_path: Path) -> None:
    room = shutil.disk_usage(tmp_path).total
    plan = {**PLAN, "working": str(tmp_path)}
    assert supervisor.probe({**plan, "working_bytes": room})["failures"] == []
    assert supervisor.probe({**plan, "working_bytes": None})["failures"] == []
    (failure,) = supervisor.probe({**plan, "working_bytes": 1 << 20})["failures"]
    assert failure == f"the working folder has room for {room} bytes, not {1 << 20}"
