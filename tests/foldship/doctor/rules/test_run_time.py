from __future__ import annotations

import doctor_stage
import pytest

from foldship.doctor import Level
from foldship.doctor.rules import run_time


def test_in_time(stage):
    found = stage.ask(run_time)
    assert found.level is Level.PASSED
    assert found.seen == "limit 32400 s; 40 rows take about 60 s on cpu, margin 90%"


@pytest.mark.parametrize(
    ("limit_s", "level"), [(7200.0, Level.PASSED), (43200.0, Level.PASSED), (43201.0, Level.WARNING)]
)
def test_the_limit_is_the_competitions_up_to_what_the_platform_runs(gpu_stage, limit_s, level):
    gpu_stage.edit("dataset/bundle.json", lambda bundle: bundle.update(limit_s=limit_s))
    found = gpu_stage.ask(run_time)
    assert found.level is level
    assert ("the platform ends any run after 43200 s" in found.seen) == (level is Level.WARNING)


@pytest.mark.parametrize(
    ("change", "level", "seen"),
    [
        ({"seconds": 40000.0, "margin": -0.23}, Level.FAILED, "too much for a limit of 32400 s"),
        ({"seconds_at_worst": 32401.0}, Level.WARNING, "at worst 32,401 s"),
        ({"fits_memory": False}, Level.FAILED, "does not fit into the memory of cpu"),
    ],
)
def test_what_the_rehearsal_promises(stage, change, level, seen):
    stage.rehearse(projection={**doctor_stage.PROJECTION, **change})
    found = stage.ask(run_time)
    assert found.level is level
    assert seen in found.seen


def test_no_promise(stage):
    stage.rehearse(projection=None)
    assert stage.ask(run_time).level is Level.WARNING
    (stage.evidence.rehearsal / "verdict.json").unlink()
    stage.change()
    assert stage.ask(run_time).level is Level.WARNING
