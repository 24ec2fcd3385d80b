"""The rehearsal was of this very bundle, and passed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foldship.doctor.evidence import BUNDLE, REHEARSED, SUBMISSION, VERDICT, Evidence
from foldship.doctor.finding import Finding, Level, Tally, UnaskedError
from foldship_kernel import manifest
from foldship_kernel.errors import DataError

NAME = REHEARSED
REHEARSE = "run `make simulate`"
OWN_ROWS = "run `make simulate INPUT=<folder with the competition's own test files>`"


def check(push: Evidence) -> Finding:
    try:
        verdict = push.verdict
    except UnaskedError as error:
        return Finding(NAME, Level.FAILED, error.reason, REHEARSE)
    tally = Tally(NAME)
    if not verdict.get("passed"):
        names = [name for name, check in _mapping(verdict, "checks").items() if check.get("passed") is False]
        tally.fail(f"the rehearsal failed: {', '.join(names)}", f"see {push.rehearsal / VERDICT}")
    if not (push.rehearsal / SUBMISSION).is_file():
        tally.fail(f"{push.rehearsal / SUBMISSION} is not there: nothing to compare with", REHEARSE)
    if _mapping(verdict, "bundle") != _identity(push):
        tally.fail("another bundle was rehearsed than the one that is here now", REHEARSE)
    if not tally.failed:
        _circumstances(tally, push, verdict)
    return tally.finding()


def _circumstances(tally: Tally, push: Evidence, verdict: Mapping[str, Any]) -> None:
    mechanism = str(_mapping(verdict, "isolation").get("mechanism", "unknown"))
    ids = _ids(push.rehearsal / SUBMISSION)
    limit = _mapping(verdict, "limits").get("time_s")
    shorter = "" if limit == push.bundle.limit_s else f", limit {limit:g} s of {push.bundle.limit_s:g} s"
    tally.well(f"{len(ids):,} rows, sandbox {mechanism}{shorter}")
    if mechanism.startswith("none"):
        tally.warn("rehearsed without a sandbox", "install bubblewrap, and rehearse again")
    if ids and ids == _sample(push):
        tally.warn(
            "rehearsed on the generated sample: Kaggle's run reads the competition's own rows, and "
            "the two cannot be compared",
            OWN_ROWS,
        )
    left_out = len(_mapping(_mapping(verdict, "kernel"), "folds_left_out"))
    if left_out:
        tally.warn(
            f"{left_out} folds were left out: Kaggle's run may use more", "rehearse with a longer LIMIT"
        )


def _identity(push: Evidence) -> dict[str, str]:
    """As the rehearsal notes it."""
    try:
        return {
            "sha256": manifest.sha256(push.datasets[0] / manifest.FILE_NAME),
            "kernel_sha256": manifest.sha256(push.code),
        }
    except OSError as error:
        raise UnaskedError(f"{error.filename} cannot be read", BUNDLE) from error


def _sample(push: Evidence) -> set[str]:
    """Ids of the generated sample's rows; none where there is no sample."""
    try:
        rows, _ = push.bundle.task.read_test(push.sample)
    except DataError:
        return set()
    return set(rows.ids)


def _ids(path: Path) -> set[str]:
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            return {row[0] for row in list(csv.reader(stream))[1:] if row}
    except (OSError, ValueError, csv.Error):
        return set()


def _mapping(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}
