"""The whole way: from train.csv over a site that runs the kernel offline to a score."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import project
import pytest
from kaggle_site import Site, sandbox

pytestmark = pytest.mark.sandbox
COMPETITION = "google-quest-challenge"
KERNEL, DATASET = f"{project.OWNER}/foldship-quest", f"{project.OWNER}/foldship-quest-bundle"


def site_of(finished: Path, folder: Path) -> Site:
    """A site with the competition's files, which runs kernels in the sandbox on what was uploaded."""
    return Site(
        folder,
        owner=project.OWNER,
        processing_polls=3,
        run_polls=1,
        score_polls=1,
        competitions={COMPETITION: finished / "build/quest/sample"},
        runner=sandbox.runner(project.ROOT / "build" / ".cache"),
    )


def test_trained_bundled_pushed_run_compared_and_scored(finished: Path, tmp_path: Path) -> None:
    with site_of(finished, tmp_path) as site:
        result = project.foldship(finished, "push", "--submit", environment=site.environment)
        assert result.returncode == 0, result.stdout + result.stderr
        assert not site.escapes
        (session,) = site.kernels[KERNEL].sessions
        assert len(site.submissions) == 1
    out = finished / "build/quest/push"
    facts = json.loads((out / "output/foldship.json").read_text())
    assert facts["status"] == "complete" and facts["folds_used"] == ["tiny fold 0", "tiny fold 1"]
    rehearsed = pd.read_csv(finished / "build/quest/simulation/submission.csv", index_col="qa_id")
    scored = pd.read_csv(session.output / "submission.csv", index_col="qa_id")
    pd.testing.assert_frame_equal(scored, rehearsed, atol=3e-3)
    assert "0.41000" in result.stdout
    assert "foldship.json" in {path.name for path in (out / "output").iterdir()}
    assert site.key not in result.stdout + result.stderr


def test_the_plain_client_pushes_the_same_two_folders(finished: Path, tmp_path: Path) -> None:
    build = finished / "build/quest"
    with site_of(finished, tmp_path) as site:

        def kaggle(*arguments: str) -> str:
            done = subprocess.run(
                [Path(sys.executable).with_name("kaggle"), *arguments],
                env={"PATH": "/usr/bin:/bin", **site.environment},
                capture_output=True,
                text=True,
                check=True,
            )
            return done.stdout

        kaggle("datasets", "create", "-p", str(build / "dataset"), "--dir-mode", "zip")
        while kaggle("datasets", "status", DATASET).strip() != "ready":
            pass
        pushed = kaggle("kernels", "push", "-p", str(build / "kernel"))
        assert "Kernel version 1 successfully pushed" in pushed
        while "RUNNING" in (status := kaggle("kernels", "status", KERNEL)):
            pass
        assert "COMPLETE" in status
        kaggle("kernels", "output", KERNEL, "-p", str(tmp_path / "output"))
        assert not site.escapes
    rehearsed = pd.read_csv(build / "simulation/submission.csv", index_col="qa_id")
    found = pd.read_csv(tmp_path / "output/submission.csv", index_col="qa_id")
    pd.testing.assert_frame_equal(found, rehearsed, atol=3e-3)
