"""The outcome of a rehearsal, for people and programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foldship.levels import Level
from foldship.rehearsal.evidence import Finding


@dataclass(frozen=True)
class Verdict:
    """What a rehearsal found; `verdict.json` holds the same.

    Attributes:
        findings: one per rule.
        isolation: the mechanism obtained, what was verified from inside, and what the kernel was given.
        limits: of time (s), memory and working folder (GiB) and processors, and how all but time were held.
        seconds: from the kernel's start to its end; None when it did not run.
        peak_memory_gib: most memory in use at once.
        phases: seconds by phase, as the kernel wrote them.
        kernel_says: what else the kernel wrote about its own run.
        projection: what the run promises for another machine, or None.
        bundle: what was rehearsed: SHA-256 of `bundle.json` (None without one) and of the code file.
        submission: where the submission was left, or None.
        log: where the kernel's log was left.
    """

    findings: tuple[Finding, ...]
    isolation: Mapping[str, Any]
    limits: Mapping[str, Any]
    seconds: float | None
    peak_memory_gib: float
    phases: Mapping[str, float]
    kernel_says: Mapping[str, Any]
    projection: Mapping[str, Any] | None
    bundle: Mapping[str, str | None]
    submission: Path | None
    log: Path

    @property
    def passed(self) -> bool:
        """Whether no rule is broken; one that could not be asked is no failure of the bundle."""
        return not self.failed

    @property
    def failed(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.level is Level.FAILED)

    @property
    def warned(self) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.warned)

    def as_dict(self) -> dict[str, Any]:
        """JSON-like form, the same keys in the same order each time."""
        return {
            "passed": self.passed,
            "checks": {
                finding.name: {
                    "passed": finding.passed,
                    "warned": finding.warned,
                    "level": str(finding.level),
                    "seen": finding.seen,
                    "remedy": finding.remedy,
                }
                for finding in self.findings
            },
            "isolation": dict(self.isolation),
            "limits": dict(self.limits),
            "seconds": self.seconds,
            "peak_memory_gib": self.peak_memory_gib,
            "phases": dict(self.phases),
            "projection": None if self.projection is None else dict(self.projection),
            "kernel": dict(self.kernel_says),
            "bundle": dict(self.bundle),
        }
