"""The kernel wants nothing from the network: on Kaggle there is none."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "no network"


def check(run: Evidence) -> Finding:
    attempts = None if run.status is None else run.status["network_attempts"]
    if not run.isolated:
        return Finding(NAME, True, "not watched: there was no sandbox")
    if attempts is None:
        return Finding(NAME, True, "none to be had; attempts are not counted on this system")
    if attempts:
        return Finding(
            NAME,
            False,
            f"{attempts} attempts to reach it",
            "bring along what is fetched (models, tokenizers, packages); kernel.log may name it",
        )
    return Finding(NAME, True, "no attempt to reach it")
