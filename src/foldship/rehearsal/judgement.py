"""From what came back of a run to a verdict on it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from foldship.rehearsal import checks, table
from foldship.rehearsal.evidence import Evidence, Outlook, Promise
from foldship.rehearsal.execution import Report
from foldship.rehearsal.mechanisms.base import Mechanism
from foldship.rehearsal.room import GIB, KERNEL_METADATA, Room, read_metadata
from foldship.rehearsal.sample import Sample
from foldship.rehearsal.verdict import Verdict
from foldship_kernel import manifest
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import Task

SUBMISSION, SUMMARY = "submission.csv", "foldship.json"
LOG = "kernel.log"


def judge(
    kernel: Path,
    dataset: Path,
    template: pd.DataFrame,
    task: Task,
    room: Room,
    mechanism: Mechanism,
    report: Report,
    refused: Mapping[str, str],
    out: Path,
    promise: Promise | None = None,
    rows: int = 0,
    sample: Sample | None = None,
) -> Verdict:
    """Apply every rule.

    Args:
        kernel, dataset: the bundle's two folders.
        template: ids and columns that the kernel takes to be wanted.
        task: the competition aboard.
        room: what the kernel had, and its limits.
        mechanism: what it was shut in by.
        report: what came back.
        refused: why other mechanisms were not used, by name.
        out: where the submission and the log will lie.
        promise: how the run is projected to another machine, if it is.
        rows: of the input.
        sample: the competition's own sample submission; None where it has none.
    """
    summary = _read_json(report.outputs.get(SUMMARY))
    submission_path = report.outputs.get(SUBMISSION)
    submission, problem = None, ""
    if submission_path:
        try:
            submission = table.read(submission_path)
        except ValueError as error:
            problem = str(error)
    seconds = float(report.status["seconds"]) if report.status else None
    outlook = _outlook(promise, rows, summary, seconds)
    evidence = Evidence(
        kernel=kernel,
        dataset=dataset,
        template=template,
        task=task,
        submission_path=submission_path,
        submission=submission,
        submission_error=problem,
        summary=summary,
        status=report.status,
        broken=report.broken,
        isolated=mechanism.isolated,
        limit_s=room.limit_s,
        memory_bytes=room.memory_bytes,
        working_bytes=room.working_bytes,
        peak_bytes=report.peak_bytes,
        memory_exceeded=report.memory_exceeded,
        outlook=outlook,
        sample=sample,
    )
    return Verdict(
        findings=checks.judge(evidence),
        isolation=_isolation(mechanism, room, report, refused),
        limits={
            "time_s": room.limit_s,
            "memory_gib": _gib(room.memory_bytes),
            "memory_held_by": report.memory_mechanism,
            "working_gib": _gib(room.working_bytes),
            "working_held_by": "size of its file system" if mechanism.isolated else "nothing (only counted)",
            "cpus": room.cpus,
            "cpus_held_by": report.cpu_mechanism,
        },
        seconds=seconds,
        peak_memory_gib=_gib(report.peak_bytes),
        phases=_phases(summary.get("phases")),
        kernel_says={name: value for name, value in summary.items() if name != "phases"},
        projection=outlook.projection if outlook else None,
        bundle=_identity(kernel, dataset),
        submission=out / SUBMISSION if submission_path else None,
        log=out / LOG,
    )


def _identity(kernel: Path, dataset: Path) -> dict[str, str | None]:
    """What tells this bundle from any other."""
    code = kernel / str(read_metadata(kernel / KERNEL_METADATA).get("code_file", "main.py"))
    contents = dataset / manifest.FILE_NAME
    return {
        "sha256": manifest.sha256(contents) if contents.is_file() else None,
        "kernel_sha256": manifest.sha256(code),
    }


def _outlook(
    promise: Promise | None, rows: int, summary: Mapping[str, Any], seconds: float | None
) -> Outlook | None:
    if promise is None:
        return None
    projection, problem = None, ""
    try:
        projection = promise.project(rows, summary, seconds)
    except FoldshipError as error:
        problem = f"{error.what}: {error.found}" if error.found else error.what
    return Outlook(projection, problem, promise.least_margin, promise.asked)


def _isolation(
    mechanism: Mechanism, room: Room, report: Report, refused: Mapping[str, str]
) -> dict[str, Any]:
    probe = report.probe or {}
    if not mechanism.isolated:
        return {"mechanism": "none: not isolated", "python": probe.get("python")}
    memory = probe["memory_bytes"]
    return {
        "mechanism": mechanism.name,
        "verified_from_inside": {
            "network": probe["network"],
            "read_only": probe["read_only"],
            "hidden": _without_home(probe["hidden"]),
            "working_gib": _gib(probe["working_bytes"]),
            "memory_gib": "not to be seen" if memory is None else _gib(memory),
        },
        "environment": sorted(room.environment),
        "python": probe["python"],
        "not_used": dict(refused),
    }


def _gib(size: int) -> float:
    return round(size / GIB, 3)


def _phases(value: Any) -> dict[str, float]:
    """Seconds by phase; what is not that is left out."""
    entries = value.items() if isinstance(value, dict) else ()
    return {name: float(seconds) for name, seconds in entries if isinstance(seconds, int | float)}


def _without_home(hidden: list[str]) -> list[str]:
    """Count what lies in the home folder: its names are nobody else's business."""
    home = str(Path.home())
    personal = [name for name in hidden if str(Path(name).parent) == home]
    others = [name for name in hidden if name not in personal]
    return [*others, f"{len(personal)} entries of {home}"] if personal else others


def _read_json(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return {}  # reported by the rule that misses what it says
    return value if isinstance(value, dict) else {}
