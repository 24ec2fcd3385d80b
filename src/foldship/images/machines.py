"""Kaggle's machines: which shapes there are, which can be had, and how long the platform runs a session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """A machine that a kernel may ask for.

    Attributes:
        description: as Kaggle's pages call it.
        profile: of the projection that stands for it; None where there is none.
    """

    description: str
    profile: str | None = None


CPU_PROFILE = "cpu"
DEFAULT = "NvidiaTeslaT4"
# "Accelerators available as of Sep 2026": https://github.com/Kaggle/kaggle-cli/blob/main/docs/kernels.md, as
# corrected by its pull request 1198. All but the first are for certain competitions only.
MACHINES = {
    DEFAULT: Machine("GPU T4 x2", "t4x2"),
    "NvidiaTeslaA100": Machine("GPU A100"),
    "NvidiaL4": Machine("GPU L4", "l4"),
    "NvidiaL4X1": Machine("one GPU L4", "l4"),
    "NvidiaH100": Machine("GPU H100"),
    "NvidiaRtxPro6000": Machine("GPU RTX PRO 6000"),
}
# Shapes that Kaggle's interface knows, but that a kernel does not get -> why.
UNAVAILABLE = {
    "NvidiaTeslaT4Highmem": "it is an internal pool of Kaggle's that ordinary users do not get; "
    f"{DEFAULT} is GPU T4 x2",
    "NvidiaTeslaP100": "it is retired, and the image's CUDA libraries no longer support it",
}
# The platform ends any session after 12 hours; below that, how long one may run the competition says.
LONGEST_S = 43200.0
