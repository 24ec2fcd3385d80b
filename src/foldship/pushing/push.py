"""The steps of a push, in order; each looks first whether it is done already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from foldship.kaggle_client.connection import Connection
from foldship.mishaps import step
from foldship.pushing import parts
from foldship.pushing.bring import bring
from foldship.pushing.follow import follow
from foldship.pushing.job import Job, Progress
from foldship.pushing.judge import judge
from foldship.pushing.launch import launch
from foldship.pushing.record import FILE_NAME, Record
from foldship.pushing.submit import submit
from foldship.pushing.waiting import Waiting
from foldship_kernel import manifest
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import Task

KERNEL = "kernel-metadata.json"


@step("pushing to Kaggle")
def push(
    kernel: Path,
    datasets: Sequence[Path],
    rehearsal: Path,
    out: Path,
    *,
    task: Task,
    connection: Connection,
    progress: Progress,
    waiting: Waiting | None = None,
    hashes: bool = True,
    submitting: bool = False,
) -> Record:
    """Bring a bundle to Kaggle, run it there, and compare what it computed.

    Whatever interrupts it, the same call goes on where it stopped.

    Args:
        kernel: folder with `kernel-metadata.json` and the code file.
        datasets: the bundle's dataset folders, the one with `bundle.json` first.
        rehearsal: folder with the rehearsal's `submission.csv`.
        out: folder for the record, the run's output and its log.
        task: the competition aboard.
        connection: to Kaggle.
        progress: shows people how far it is.
        waiting: how to wait.
        hashes: whether what was uploaded is fetched back and hashed.
        submitting: whether the run is submitted to the competition in the end.

    Returns:
        What was done: "kernel", "compared" and "submission".

    Raises:
        KaggleError: Kaggle refused, could not be reached, or the run failed there.
        FoldshipError: the bundle changed since it was built, or the run computed something else.
    """
    try:
        metadata = json.loads((kernel / KERNEL).read_text(encoding="utf-8"))
        code = (kernel / str(metadata["code_file"])).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FoldshipError(
            f"{kernel}: no kernel to push", found=str(error), fix="make it with `make bundle`"
        ) from error
    key = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode() + code)
    key.update(manifest.sha256(datasets[0] / manifest.FILE_NAME).encode())
    job = Job(
        connection=connection,
        kernel=kernel,
        metadata=metadata,
        parts=parts.read(datasets),
        rehearsal=rehearsal,
        out=out,
        record=Record(out / FILE_NAME, key.hexdigest()),
        waiting=waiting or Waiting(),
        progress=progress,
        hashes=hashes,
        task=task,
    )
    for do in (bring, launch, follow, judge, *([submit] if submitting else [])):
        do(job)
    return job.record
