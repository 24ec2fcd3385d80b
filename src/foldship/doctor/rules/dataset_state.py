"""No earlier version of a dataset is in the way."""

from __future__ import annotations

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally
from foldship.kaggle_client import datasets

NAME = "dataset state"


def check(push: Evidence) -> Finding:
    connection = push.account.connection
    tally = Tally(NAME)
    for ref in push.refs:
        state = datasets.state(connection, ref)
        if state is None:
            tally.well(f"{ref} is new")
        elif state.status in datasets.FAILED:
            tally.warn(
                f"Kaggle could not process a version of {ref}: {state.status}",
                f"a push makes a new one; if that fails, too, see https://www.kaggle.com/datasets/{ref}",
            )
        elif state.status != datasets.READY:
            tally.warn(f"{ref} is still being processed: {state.status}", "wait; a push waits for it, too")
        else:
            tally.well(f"{ref} is ready, version {state.version}")
    return tally.finding()
