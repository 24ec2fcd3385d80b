from __future__ import annotations

from pathlib import Path

import pytest

from foldship_kernel import hardware


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of that name; what it does is up to the test."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program = tmp_path / "nvidia-smi"
    program.touch(mode=0o755)
    return program


def test_gpus_are_named_as_nvidia_smi_names_them(nvidia_smi: Path) -> None:
    nvidia_smi.write_text("#!/bin/sh\nprintf 'Tesla T4, 15360\\nTesla T4, 15360\\n'\n")
    assert hardware.describe(2, gpu=True) == (["Tesla T4", "Tesla T4"], 15.0)
    assert hardware.describe(1, gpu=True)[0] == ["Tesla T4"]


@pytest.mark.parametrize("answer", ["exit 9", "echo 'No devices were found'", "exit 0"])
def test_where_it_does_not_tell_the_processor_is_named(nvidia_smi: Path, answer: str) -> None:
    nvidia_smi.write_text(f"#!/bin/sh\n{answer}\n")
    names, memory = hardware.describe(1, gpu=True)
    assert len(names) == 1 and "processors" in names[0] and memory > 0


def test_a_processor_without_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "CPU_INFO", tmp_path / "missing")
    assert hardware.describe(1, gpu=False)[0][0].startswith("unknown processor, ")
