from __future__ import annotations

import hashlib
import json
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from foldship.shipping import wheelhouse
from foldship_kernel.errors import FoldshipError

CONTENT = b"a wheel"


@pytest.fixture(autouse=True)
def one_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "wheels.json"
    entry = {
        "file": "some-1.0-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "accelerators": ["gpu"],
    }
    path.write_text(json.dumps([entry]))
    monkeypatch.setattr(wheelhouse, "PINS", path)


class Pip:
    """Stands in for `subprocess.run`: brings the wheel, or fails."""

    def __init__(self, code: int = 0, brings: bool = True) -> None:
        self._code, self._brings = code, brings
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
        self.commands.append(command)
        if self._brings:
            (pin,) = wheelhouse.pins("gpu")
            (Path(command[command.index("--dest") + 1]) / pin.file).write_bytes(CONTENT)
        return subprocess.CompletedProcess(command, self._code, "", "no network" if self._code else "")


def test_a_wheel_is_fetched_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pip = Pip()
    monkeypatch.setattr(subprocess, "run", pip)
    (wheel,) = wheelhouse.fetch(tmp_path / "cache", "gpu")
    assert wheel.read_bytes() == CONTENT
    assert wheelhouse.fetch(tmp_path / "cache", "gpu") == [wheel]
    assert len(pip.commands) == 1
    assert {"--require-hashes", "312", "manylinux_2_27_x86_64"} <= set(pip.commands[0])
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [wheel.name]


def test_a_damaged_cache_is_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", Pip())
    (wheel,) = wheelhouse.fetch(tmp_path / "cache", "gpu")
    wheel.write_bytes(b"half")
    wheelhouse.fetch(tmp_path / "cache", "gpu")
    assert wheel.read_bytes() == CONTENT


@pytest.mark.parametrize("pip", [Pip(code=1), Pip(code=0, brings=False)])
def test_a_failure_of_pip_is_never_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pip: Pip
) -> None:
    monkeypatch.setattr(subprocess, "run", pip)
    with pytest.raises(FoldshipError, match=r"some-1\.0"):
        wheelhouse.fetch(tmp_path / "cache", "gpu")
    assert list((tmp_path / "cache").iterdir()) == []


def test_wheels_of_the_other_accelerator_stay_behind(tmp_path: Path) -> None:
    assert wheelhouse.fetch(tmp_path / "cache", "cpu") == []


def test_an_engines_wheel_is_fetched_where_a_model_runs_on_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = json.loads(wheelhouse.PINS.read_text())
    wheelhouse.PINS.write_text(json.dumps([{**entries[0], "library": "openvino"}]))
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / entries[0]["file"]).write_bytes(CONTENT)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("it is in the cache"))
    assert wheelhouse.fetch(tmp_path / "cache", "gpu", {"onnxruntime"}) == []
    (wheel,) = wheelhouse.fetch(tmp_path / "cache", "gpu", {"onnxruntime", "openvino"})
    assert wheel.name == entries[0]["file"]


def test_the_real_pins_serve_both_pythons_and_both_accelerators(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheelhouse, "PINS", root / "src" / "foldship" / "shipping" / "wheels.json")
    names = [pin.file for pin in wheelhouse.pins("cpu")]
    for python in ("cp311", "cp312"):
        assert any(name.startswith("onnxruntime-1.26.0-") and python in name for name in names)
    assert not any("gpu" in name or "openvino" in name for name in names)
    engines = [pin.file for pin in wheelhouse.pins("cpu", {"onnxruntime", "openvino"})]
    assert [name.split("-")[3] for name in engines if name not in names] == ["cp311", "cp312"]
    assert not any("openvino" in pin.file for pin in wheelhouse.pins("gpu", {"openvino"}))
    assert any(pin.file.startswith("onnxruntime_gpu-1.26.0-cp312") for pin in wheelhouse.pins("gpu"))


@pytest.mark.parametrize("library", ["onnxruntime", "openvino"])
def test_engines_are_of_the_release_that_parity_was_checked_with(
    root: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setattr(wheelhouse, "PINS", root / "src" / "foldship" / "shipping" / "wheels.json")
    files = [pin.file for pin in wheelhouse.pins("cpu", {library}) if pin.file.startswith(f"{library}-")]
    assert {file.split("-")[1] for file in files} == {metadata.version(library)}
