from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch


@pytest.mark.skipif(
    torch.cuda.is_available(), reason="a GPU suite that is skipped needs a machine without one"
)
def test_a_suite_that_cannot_run_here_says_so_and_keeps_earlier_results(root: Path, tmp_path: Path) -> None:
    from bench.machine import Stamp
    from bench.report import Report

    stamp = Stamp("m", "c", "make bench", "d")
    Report("speed", "Speed", {"a_vs_b": 2.0}, stamp=stamp).save(tmp_path / "results")
    places = f"--folder={tmp_path}", f"--page={tmp_path / 'page.md'}"
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--size=tiny", "--suites=gpu", *places],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "gpu: not measured, there is no CUDA device" in done.stdout
    results = json.loads((tmp_path / "results.json").read_text())
    assert results == {"a_vs_b": 2.0, "machine": "m", "commit": "c", "command": "make bench"}
    page = (tmp_path / "page.md").read_text()
    assert "Not measured: there is no CUDA device." in page
    assert "| a | b | 2.00 |" in page
