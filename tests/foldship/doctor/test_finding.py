from __future__ import annotations

from foldship.doctor.finding import Finding, Level, Tally, UnaskedError


def test_the_worst_that_was_seen_is_the_finding() -> None:
    tally = Tally("rule")
    tally.well("fine")
    assert tally.finding() == Finding("rule", Level.PASSED, "fine")
    tally.warn("strange", "look")
    assert tally.finding() == Finding("rule", Level.WARNING, "strange", "look")
    tally.fail("broken", "mend")
    tally.fail("torn", "mend")
    assert tally.finding() == Finding("rule", Level.FAILED, "broken; torn; strange", "look; mend")


def test_a_rule_that_was_not_asked_names_the_one_that_fails() -> None:
    assert str(UnaskedError("no bundle", "bundle")) == "no bundle; see 'bundle'"
    assert str(UnaskedError("no GPU")) == "no GPU"
