"""Whether a sandbox can be had at all, asked of one around a kernel that does nothing."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from foldship.rehearsal import image, mechanisms, processors, simulation
from foldship.rehearsal.mechanisms.base import Mechanism
from foldship.rehearsal.room import DATASET_METADATA, KERNEL_METADATA, furnish

SECONDS = 60.0
WORKING_GIB = 1.0


def sandbox(
    cache: Path,
    *,
    isolation: str = mechanisms.AUTO,
    memory_gib: float,
    cpus: float | None = None,
    requirements: Path = image.REQUIREMENTS,
) -> Mechanism:
    """Make the image environment, and shut a kernel in as a rehearsal would.

    Args:
        cache: folder that keeps the image environment between runs.
        isolation, memory_gib, cpus, requirements: as of `simulation.simulate`.

    Returns:
        What the rehearsal will be shut in by.

    Raises:
        FoldshipError: no mechanism works here or has this name, the environment cannot be made, or there are
            not so many processors or so little memory to be had.
    """
    simulation.check_limits(SECONDS, memory_gib)
    processors.check(cpus)
    mechanisms.chosen(isolation)  # an unknown name is said before anything is fetched
    environment = image.prepare(cache, requirements, simulation.to_screen)
    with tempfile.TemporaryDirectory(prefix="foldship-trial-") as name:
        folder = Path(name)
        kernel, dataset, given, temporary, scratch = (
            folder / part for part in ("kernel", "dataset", "input", "tmp", "scratch")
        )
        for part in (kernel, dataset, given, temporary, scratch):
            part.mkdir()
        (kernel / KERNEL_METADATA).write_text(json.dumps({"code_file": "main.py"}), encoding="utf-8")
        (kernel / "main.py").write_text("", encoding="utf-8")
        (dataset / DATASET_METADATA).write_text("{}", encoding="utf-8")
        room = furnish(
            kernel,
            dataset,
            given,
            temporary,
            competition="trial",
            layout="current",
            limit_s=SECONDS,
            memory_gib=memory_gib,
            working_gib=WORKING_GIB,
            cpus=cpus,
        )
        mechanism, _, _ = simulation.shut_in(isolation, room, environment, [folder], scratch, lambda _: None)
    return mechanism
