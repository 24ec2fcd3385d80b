"""What the machine is called: for the log, and for those who read measurements later."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from foldship_kernel import devices

QUERY = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
ANSWER_S = 60
CPU_INFO = Path("/proc/cpuinfo")


def describe(count: int, *, gpu: bool) -> tuple[list[str], float]:
    """Names of the devices in use, and the memory of one of them in GiB.

    Args:
        count: of the devices in use.
        gpu: whether they are GPUs; where `nvidia-smi` does not tell, and otherwise, the processor is named.
    """
    seen = _gpus() if gpu else []
    if seen:
        return [name for name, _ in seen[:count]], min(memory for _, memory in seen[:count])
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return [f"{_processor()}, {devices.threads()} processors"], memory


def _gpus() -> list[tuple[str, float]]:
    """Name and memory in GiB of each GPU, as `nvidia-smi` tells them; none where it does not."""
    if not shutil.which(QUERY[0]):
        return []
    try:
        answer = subprocess.run(QUERY, capture_output=True, text=True, timeout=ANSWER_S, check=True).stdout
        lines = [line.rpartition(",") for line in answer.splitlines()]
        return [(name.strip(), float(mebibytes) / 1024) for name, _, mebibytes in lines]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def _processor() -> str:
    try:
        lines = CPU_INFO.read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
