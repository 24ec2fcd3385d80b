"""The kernel wants nothing from the network: on Kaggle there is none."""

from __future__ import annotations

from foldship.rehearsal.evidence import Evidence, Finding

NAME = "no network"


def check(run: Evidence) -> Finding:
    if not run.isolated:
        return Finding(NAME, None, "not watched: there was no sandbox", "rehearse in one: --isolation auto")
    if run.status is None:
        return Finding(NAME, None, "not known: the sandbox broke", "read kernel.log")
    attempts = run.status["network_attempts"]
    if attempts is None:
        return Finding(NAME, None, "none to be had; attempts are not counted on this system")
    if attempts:
        return Finding(
            NAME,
            False,
            f"{attempts} attempts to reach it",
            "bring along what is fetched (models, tokenizers, packages); kernel.log may name it",
        )
    return Finding(NAME, True, "no attempt to reach it")
