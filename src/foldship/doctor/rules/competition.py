"""The competition exists, and the user has accepted its rules: its files cannot be attached otherwise."""

from __future__ import annotations

from foldship.doctor.evidence import Evidence
from foldship.doctor.finding import Finding, Tally, UnaskedError
from foldship.kaggle_client import competitions

NAME = "competition"


def slug(push: Evidence) -> str:
    """The competition's name in addresses; raises UnaskedError where the kernel has none."""
    for name in push.metadata.get("competition_sources", ()):
        return str(name)
    raise UnaskedError("the kernel asks for no competition", "names")


def check(push: Evidence) -> Finding:
    connection, name = push.account.connection, slug(push)
    tally = Tally(NAME)
    entered = competitions.entered(connection, name)
    if entered is None:
        tally.fail(f"there is no competition {name}", "set competition in kernel.yaml as in its address")
    elif not entered:
        tally.fail(
            f"{connection.owner} has not accepted the rules of {name}",
            f"accept them on https://www.kaggle.com/competitions/{name}/rules",
        )
    tally.well(f"{connection.owner} takes part in {name}")
    return tally.finding()
