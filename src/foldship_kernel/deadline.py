"""How much of the run-time limit is left, and what can still be done in it."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from foldship_kernel.errors import BundleError, FoldshipError

VARIABLE = "FOLDSHIP_LIMIT_S"
# What is kept back at the end: 2% of the limit, within bounds. Stopping itself takes well below a second.
RESERVE_SHARE, RESERVE_LEAST_S, RESERVE_MOST_S = 0.02, 1.0, 60.0


@dataclass(frozen=True)
class Deadline:
    """The run-time limit, counted from the kernel's start.

    Attributes:
        start: `time.monotonic()` at the kernel's start; on Linux all processes share that clock.
        limit_s: seconds the platform allows.
        clock: tells the time in seconds; all that is planned in a run asks this one clock.
    """

    start: float
    limit_s: float
    clock: Callable[[], float] = time.monotonic

    @property
    def reserve_s(self) -> float:
        return min(max(RESERVE_SHARE * self.limit_s, RESERVE_LEAST_S), RESERVE_MOST_S, 0.25 * self.limit_s)

    def now(self) -> float:
        return self.clock()

    def elapsed_s(self) -> float:
        return self.now() - self.start

    def left_s(self) -> float:
        """Seconds that may be planned with: work must end one reserve before the stop."""
        return self.left_to_stop_s() - self.reserve_s

    def left_to_stop_s(self) -> float:
        """Seconds until everything is stopped, one reserve before the limit."""
        return self.limit_s - self.reserve_s - self.elapsed_s()


def limit_s(environment: Mapping[str, str], manifest: Path) -> float:
    """The run-time limit in seconds: the environment's FOLDSHIP_LIMIT_S, else the manifest's.

    Reads the manifest with the standard library only, since this is asked before anything slow is imported.

    Raises:
        FoldshipError: the variable is set, but is no positive number.
        BundleError: the manifest cannot be read, or names no limit.
    """
    text = environment.get(VARIABLE, "").strip()
    if not text:
        try:
            text = str(json.loads(manifest.read_text(encoding="utf-8"))["limit_s"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BundleError(
                f"{manifest}: the run-time limit cannot be read",
                expected='a JSON object with "limit_s"',
                found=repr(error),
                fix="build the bundle again with `make bundle`, and upload it again",
            ) from error
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise FoldshipError(
            "the run-time limit is no positive number",
            expected=f"seconds, in {VARIABLE} or as limit_s in {manifest}",
            found=repr(text),
            fix=f"unset {VARIABLE}, or give it a number like 32400",
        )
    return value
