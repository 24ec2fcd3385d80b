"""What the machine has to compute with, told without any library."""

from __future__ import annotations

import math
import os
import resource
from contextlib import suppress
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
PROC = Path("/proc")
# Files of version 2 and of version 1 of the control groups, as they are mounted in a container.
_QUOTAS = ("cpu.max", "cpu/cpu.cfs_quota_us")
_MEMORY = (("memory.max", "memory.current"), ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"))


def threads() -> int:
    """Processors really granted to this process: its affinity, and the quota of its control group."""
    granted = len(os.sched_getaffinity(0))
    return max(1, math.ceil(min(granted, _quota())))


def gpus() -> int:
    """NVIDIA devices that this process may use."""
    devices = len([path for path in Path("/dev").glob("nvidia*") if path.name[6:].isdecimal()])
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return devices if visible is None else min(devices, len([name for name in visible.split(",") if name]))


def own_memory() -> int:
    """Resident bytes of this process."""
    with suppress(OSError, ValueError, IndexError):
        return int((PROC / "self/statm").read_text().split()[1]) * resource.getpagesize()
    return 0


def free_memory() -> int:
    """Bytes that this process may still take, by the machine and by its control group."""
    free = []
    with suppress(OSError, ValueError):
        for line in (PROC / "meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free.append(int(line.split()[1]) * 1024)
    for limit, used in _MEMORY:
        with suppress(OSError, ValueError):  # "max" is no number
            free.append(int((CGROUP / limit).read_text()) - int((CGROUP / used).read_text()))
    return max(0, min(free, default=0))


def _quota() -> float:
    """Processors that the control group's quota amounts to."""
    for name in _QUOTAS:
        with suppress(OSError, ValueError, IndexError, ZeroDivisionError):
            words = (CGROUP / name).read_text().split()
            if name.endswith("_us"):
                words.append((CGROUP / "cpu/cpu.cfs_period_us").read_text())
            quota = int(words[0]) / int(words[1])
            if quota > 0:  # -1 means none
                return quota
    return math.inf
