"""Hours of accelerators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class Quota:
    """Hours of accelerators in a week, and when the next week begins."""

    gpu_used: float = 0.0
    gpu_total: float = 30.0
    tpu_used: float = 0.0
    tpu_total: float = 20.0
    refresh: str = "2030-01-05T00:00:00.000Z"

    def card(self) -> dict[str, Any]:
        """As the site tells of it."""
        return {
            "quotaRefreshTime": self.refresh,
            "gpuQuota": _hours(self.gpu_used, self.gpu_total),
            "tpuQuota": _hours(self.tpu_used, self.tpu_total),
        }


def _hours(used: float, total: float) -> dict[str, str]:
    return {"timeUsed": f"{round(used * 3600)}s", "totalTimeAllowed": f"{round(total * 3600)}s"}
