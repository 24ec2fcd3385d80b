"""What must be so before a push, one rule a module."""

from __future__ import annotations

from typing import Protocol

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding
from foldship.doctor.rules import (
    accelerator,
    bundle,
    competition,
    credentials,
    dataset_state,
    git_state,
    internet_off,
    names,
    owner,
    quota,
    rehearsed,
    run_time,
    sizes,
    submissions,
    versions,
    wheels,
)


class Rule(Protocol):
    """A rule's module."""

    NAME: str

    def check(self, push: Evidence) -> Finding:
        """What the rule says of a push.

        Raises:
            UnaskedError: what it looks at is not to be had.
            KaggleError: Kaggle refused, or could not be reached.
        """


RULES: tuple[Rule, ...] = (
    credentials,
    owner,
    names,
    bundle,
    rehearsed,
    internet_off,
    accelerator,
    wheels,
    sizes,
    run_time,
    quota,
    competition,
    submissions,
    dataset_state,
    versions,
    git_state,
)
