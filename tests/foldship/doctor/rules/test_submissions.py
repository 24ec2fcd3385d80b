from __future__ import annotations

import pytest
from kaggle_site import competitions, faults

from foldship.doctor import Level
from foldship.doctor.rules import submissions

METHOD = "GetSubmissionLimits"


def test_some_are_left(stage, open_site):
    open_site()
    stage.sign_in()
    found = stage.ask(submissions)
    assert (found.level, found.seen) == (Level.PASSED, "5 left today")


@pytest.mark.parametrize(("submitting", "level"), [(False, Level.WARNING), (True, Level.FAILED)])
def test_none_is_left(stage, open_site, monkeypatch, submitting, level):
    monkeypatch.setattr(competitions, "DAILY", 0)
    open_site()
    stage.change(submitting=submitting)
    stage.sign_in()
    assert stage.ask(submissions).level is level


@pytest.mark.parametrize("status", [403, 404])
def test_kaggle_does_not_tell(stage, open_site, status):
    site = open_site()
    stage.sign_in()
    site.fail(METHOD, faults.status(status, "no"))
    assert stage.ask(submissions).level is Level.NOT_ASKED
