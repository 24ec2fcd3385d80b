from __future__ import annotations

import doctor_stage
import pytest
from kaggle_site import faults
from kaggle_site.kernels import Quota

from foldship.doctor import Level
from foldship.doctor.rules import quota


@pytest.mark.parametrize(
    ("used", "level", "seen"),
    [
        (0.0, Level.PASSED, "30.0 of 30.0 hours are left, the run takes 1.0"),
        (28.5, Level.WARNING, "a run up to its limit would take 2.0"),
        (29.5, Level.FAILED, "0.5 of 30.0 hours are left, the run takes 1.0"),
    ],
)
def test_hours_that_are_left(gpu_stage, open_site, used, level, seen):
    open_site(quota=Quota(gpu_used=used))
    gpu_stage.rehearse(projection={**doctor_stage.PROJECTION, "seconds": 3600.0})
    gpu_stage.sign_in()
    found = gpu_stage.ask(quota)
    assert found.level is level
    assert seen in found.seen


def test_without_a_projection_the_limit_counts(gpu_stage, open_site):
    open_site(quota=Quota(gpu_used=28.5))
    gpu_stage.rehearse(projection=None)
    gpu_stage.sign_in()
    assert gpu_stage.ask(quota).level is Level.FAILED


def test_not_asked(stage, gpu_stage, open_site):
    site = open_site()
    stage.sign_in()
    assert stage.ask(quota).seen == "the kernel needs no GPU"
    site.fail("GetAcceleratorQuotaStatistics", faults.status(403, "no"))
    gpu_stage.sign_in()
    found = gpu_stage.ask(quota)
    assert (found.level, found.seen) == (Level.NOT_ASKED, "Kaggle does not tell")
