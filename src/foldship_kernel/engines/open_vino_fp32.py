"""OpenVINO on the CPU in single precision, whatever else the processor could do."""

from __future__ import annotations

from pathlib import Path

from foldship_kernel.engines.open_vino import F32, OpenVinoGraph


def open(path: Path, device: int | None, threads: int) -> OpenVinoGraph:
    """See `base.Engine`; there is no other device than the CPU."""
    return OpenVinoGraph(path, threads, F32)
