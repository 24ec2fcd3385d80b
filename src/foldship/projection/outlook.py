"""From a rehearsal to a promise: time, margin and expected score on the machine that scores the kernel."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foldship.images import machines
from foldship.projection import bundle as bundles
from foldship.projection import calibration, profile
from foldship.projection.bundle import Bundle
from foldship.projection.cost import Step, timeline
from foldship.projection.profile import LOCAL, Profile
from foldship_kernel.deadline import Deadline
from foldship_kernel.errors import FoldshipError

CPU = machines.CPU_PROFILE


@dataclass(frozen=True)
class Target:
    """What to project to.

    Attributes:
        name: of the profile.
        profile: the machine; None for this one, as the rehearsal measures it.
        reference: a processor's profile, for what one rehearsal cannot tell apart.
        rows: to project for; None for those of the rehearsal.
    """

    name: str
    profile: Profile | None
    reference: Profile
    rows: int | None = None

    @classmethod
    def named(cls, name: str, own: Path, rows: int | None = None) -> Target:
        """The target with the profile of this name; the user's own profiles lie in folder `own`.

        Raises:
            FoldshipError: there is no such profile, or its file cannot be used.
        """
        chosen = None if name == LOCAL else profile.find(name, own)
        return cls(name, chosen, profile.find(CPU, own), rows)


def default_profile(kernel_metadata: Path) -> str:
    """Name of the profile of the machine that a kernel asks for.

    Raises:
        FoldshipError: its metadata cannot be read, or asks for a machine without a profile.
    """
    try:
        asked = json.loads(kernel_metadata.read_text(encoding="utf-8"))
        gpu, shape = asked["enable_gpu"], asked.get("machine_shape") or machines.DEFAULT
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise FoldshipError(
            f"{kernel_metadata}: does not say which machine the kernel wants",
            found=repr(error),
            fix=bundles.REBUILD,
        ) from error
    return profile_of(gpu, shape, str(kernel_metadata))


def profile_of(gpu: bool, shape: str, where: str) -> str:
    """Name of the profile of a machine as a kernel's settings name it; `where` these stand, for errors.

    Raises:
        FoldshipError: there is no profile of it.
    """
    if not gpu:
        return CPU
    known = {name: machine.profile for name, machine in machines.MACHINES.items() if machine.profile}
    if shape not in known:
        raise FoldshipError(
            f"{where}: there is no profile for machine_shape {shape!r}",
            expected=f"one of {', '.join(known)}",
            found=machines.UNAVAILABLE.get(shape, ""),
            fix="name a profile with PROFILE=..., or measure one with `make calibrate`",
        )
    return known[shape]


def project(
    manifest: Path, target: Target, rows: int, facts: Mapping[str, Any], seconds: float | None
) -> dict[str, Any]:
    """Project a rehearsed bundle to a machine, and one for a GPU also to what it is left with without one.

    Tokens per row are the rehearsal's where it measured them. Without a run of any fold, a projection to
    another machine rests on the manifest alone.

    Args:
        manifest: path of `bundle.json`; its own limit counts, not a shorter one that was rehearsed.
        target: the machine, and for how many rows.
        rows: of the rehearsal.
        facts: `foldship.json` of the rehearsal.
        seconds: that it took, as seen from outside; None if that is not known.

    Returns:
        JSON-like: profile, rows, seconds and seconds_at_worst until all folds are in, limit_s, margin (share
        of the limit left, below 0 when it does not fit), expected_score when the deadline comes (None where
        there is none), fits_memory (a fold's weights do), score_against_time, and measured_error: by what
        share a projection of this very run, from the manifest and its first fold's speed, missed its seconds.
        Of a bundle for a GPU that is projected to one, also without_gpu: all but measured_error once more,
        for the reference's processor.

    Raises:
        FoldshipError: the manifest does not say what its folds cost, or this machine was not measured.
    """
    bundle = bundles.read(manifest)
    journal = calibration.read(facts) if target.profile is None else _measured(facts)
    # What was rehearsed here without a GPU loaded the graphs for a processor.
    rehearsed = bundle.without_gpu() if journal is not None and calibration.on_processor(journal) else bundle
    wanted = target.rows or rows
    per_row = calibration.tokens_per_row(bundle, journal) if journal else {}
    if target.profile is not None:
        machine = target.profile
        on_processor = target.name == CPU
    else:
        assert journal is not None
        machine = calibration.local(rehearsed, journal, target.reference)
        on_processor = rehearsed is not bundle
    projected = bundle.without_gpu() if on_processor else bundle
    found = _projected(projected, target.name, machine, wanted, per_row)
    found["measured_error"] = (
        None if journal is None else _error(rehearsed, journal, target.reference, seconds)
    )
    if projected.accelerator == bundles.GPU:
        found["without_gpu"] = _projected(bundle.without_gpu(), CPU, target.reference, wanted, per_row)
    return found


def _projected(
    bundle: Bundle, name: str, machine: Profile, rows: int, per_row: Mapping[str, float]
) -> dict[str, Any]:
    """What `project` returns for one machine, without measured_error."""
    steps = timeline(bundle, machine, rows, per_row)
    total, at_worst = steps[-1].seconds, timeline(bundle, machine.at_worst(), rows, per_row)[-1].seconds
    usable = bundle.limit_s - Deadline(0.0, bundle.limit_s).reserve_s
    return {
        "profile": name,
        "rows": rows,
        "seconds": round(total, 1),
        "seconds_at_worst": round(at_worst, 1),
        "limit_s": bundle.limit_s,
        "margin": round((usable - total) / bundle.limit_s, 4),
        "expected_score": _score_at(steps, usable),
        "fits_memory": max(step.unit.size for step in steps) < machine.memory_gib.value * 2**30,
        "score_against_time": [
            {"fold": step.unit.name, "seconds": round(step.seconds, 1), "score": step.unit.score}
            for step in steps
        ],
    }


def _measured(facts: Mapping[str, Any]) -> calibration.Journal | None:
    """What the rehearsal measured; None when no fold ran."""
    try:
        return calibration.read(facts)
    except FoldshipError:
        return None


def _score_at(steps: list[Step], seconds: float) -> float | None:
    """Expected score of the submission that is there after so many seconds."""
    done = [step.unit.score for step in steps if step.seconds <= seconds]
    return done[-1] if done else None


def _error(
    bundle: Bundle, journal: calibration.Journal, reference: Profile, seconds: float | None
) -> float | None:
    """Share by which the first fold's speed and the manifest's tokens per row miss the run's seconds."""
    ran = {run.fold for run in journal.runs if run.longest is None}
    if len(ran) < len(journal.runs):
        return None  # folds that were cut or run twice: not the run that the manifest describes
    machine = calibration.local(bundle, journal, reference, first=1)
    projected = timeline(bundle, machine, journal.rows, only=ran)[-1].seconds
    return round(projected / (seconds or journal.seconds) - 1, 4)
