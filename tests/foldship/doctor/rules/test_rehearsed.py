from __future__ import annotations

import push_stage
import pytest
import tiny_bundle

from foldship.doctor import Level
from foldship.doctor.rules import rehearsed


def test_the_bundle_that_was_rehearsed(stage):
    found = stage.ask(rehearsed)
    assert found.level is Level.PASSED
    assert found.seen == "40 rows, sandbox unshare"


def test_a_shorter_limit_is_only_mentioned(stage):
    stage.rehearse(limits={"time_s": 120.0})
    found = stage.ask(rehearsed)
    assert found.level is Level.PASSED
    assert "limit 120 s of 32400 s" in found.seen


@pytest.mark.parametrize("name", ["kernel/main.py", "dataset/bundle.json"])
def test_another_bundle(stage, name):
    with (stage.evidence.root / name).open("a") as stream:
        stream.write("\n")
    stage.change()
    found = stage.ask(rehearsed)
    assert found.level is Level.FAILED
    assert "another bundle was rehearsed" in found.seen
    assert "make simulate" in found.remedy


def test_a_verdict_that_names_no_bundle(stage):
    stage.edit("simulation/verdict.json", lambda verdict: verdict.pop("bundle"))
    assert "another bundle was rehearsed" in stage.ask(rehearsed).seen


def test_a_rehearsal_that_failed(stage):
    stage.rehearse(passed=False, checks={"ids": {"passed": True}, "finite": {"passed": False}})
    found = stage.ask(rehearsed)
    assert found.level is Level.FAILED
    assert found.seen == "the rehearsal failed: finite"


@pytest.mark.parametrize("name", ["verdict.json", "submission.csv"])
def test_no_rehearsal(stage, name):
    (stage.evidence.rehearsal / name).unlink()
    stage.change()
    found = stage.ask(rehearsed)
    assert found.level is Level.FAILED
    assert f"{name} is not there" in found.seen
    assert "make simulate" in found.remedy


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        ({"isolation": {"mechanism": "none: not isolated"}}, "without a sandbox"),
        ({"kernel": {"folds_left_out": {"tiny fold 1": "no time"}}}, "1 folds were left out"),
    ],
)
def test_a_rehearsal_that_says_less(stage, facts, seen):
    stage.rehearse(**facts)
    found = stage.ask(rehearsed)
    assert found.level is Level.WARNING
    assert seen in found.seen


@pytest.mark.parametrize(("rows", "level"), [(push_stage.ROWS, Level.WARNING), (7, Level.PASSED)])
def test_generated_rows_are_not_the_competitions(stage, rows, level):
    tiny_bundle.write_input(stage.evidence.sample, rows, qa_id=[f"q{number}" for number in range(rows)])
    found = stage.ask(rehearsed)
    assert found.level is level
    assert ("generated sample" in found.seen) == (level is Level.WARNING)
