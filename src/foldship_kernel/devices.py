"""What the machine has to compute with, told without any library."""

from __future__ import annotations

import os
from pathlib import Path


def threads() -> int:
    """Processors this process may run on."""
    return len(os.sched_getaffinity(0))


def gpus() -> int:
    """NVIDIA devices that this process may use."""
    devices = len([path for path in Path("/dev").glob("nvidia*") if path.name[6:].isdecimal()])
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return devices if visible is None else min(devices, len([name for name in visible.split(",") if name]))
