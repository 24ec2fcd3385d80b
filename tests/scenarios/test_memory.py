"""Models together larger than the memory, one after another in the sandbox."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import rehearsed
import tiny_bundle

from foldship.rehearsal import Verdict

WIDTH = 1024
WEIGHTS_GIB = 4 * tiny_bundle.VOCABULARY * WIDTH / 1024**3  # of each model, 0.12
MODELS = ("a", "b", "c", "d")

pytestmark = pytest.mark.sandbox


def rehearse(folder: Path, models: tuple[str, ...], memory_gib: float) -> tuple[Verdict, dict[str, Any]]:
    built = tiny_bundle.build(
        folder,
        models=dict.fromkeys(models, 1),
        width=WIDTH,
        wheels=rehearsed.wheels(),
    )
    for file in filter(Path.is_file, built.dataset.rglob("*")):
        drop_from_cache(file)
    return rehearsed.rehearse(built, folder, 60, memory_gib)


def drop_from_cache(file: Path) -> None:
    """Have the file read from the disk anew: its pages then count as memory of the kernel."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def test_four_models_run_in_a_little_more_memory_than_one(tmp_path: Path) -> None:
    verdict, alone = rehearse(tmp_path / "one", MODELS[:1], 4.0)
    assert verdict.passed, (tmp_path / "one" / "simulation" / "kernel.log").read_text()
    # What was measured leaves out file pages, such as weights that an engine maps: room for one model's.
    enough = 1.3 * alone["peak_memory_gib"] + 1.5 * WEIGHTS_GIB
    assert enough < len(MODELS) * WEIGHTS_GIB
    verdict, _ = rehearse(tmp_path / "four", MODELS, enough)
    log = (tmp_path / "four" / "simulation" / "kernel.log").read_text()
    assert verdict.submission is not None, log
    assert verdict.kernel_says["folds_used"] and not verdict.kernel_says["folds_left_out"], log
    assert set(verdict.kernel_says["folds_used"]) == {f"{name} fold 0" for name in MODELS}
    assert next(finding for finding in verdict.findings if finding.name == "exit status").passed, log
