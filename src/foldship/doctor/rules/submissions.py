"""A submission can still be made today."""

from __future__ import annotations

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally, UnaskedError
from foldship.doctor.rules import competition
from foldship.kaggle_client import competitions
from foldship.kaggle_client.answers import KaggleError

NAME = "submissions"
WAIT = "wait for the next day (UTC), or push without submitting"


def check(push: Evidence) -> Finding:
    connection, name = push.account.connection, competition.slug(push)
    try:
        left = competitions.submissions_left(connection, name)
    except KaggleError as error:  # those who do not take part get no answer
        raise UnaskedError(f"{error.what}: {error.found}") from error
    if left is None:
        raise UnaskedError("Kaggle does not tell")
    tally = Tally(NAME)
    if not left:
        (tally.fail if push.submitting else tally.warn)(f"none is left today for {name}", WAIT)
    tally.well(f"{left} left today")
    return tally.finding()
