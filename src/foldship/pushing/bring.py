"""Steps one to three: the datasets are uploaded, ready, and hold what the bundle holds, to the byte."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import IO

from foldship.kaggle_client import datasets
from foldship.kaggle_client.answers import AGAIN, AnswerLostError, KaggleError
from foldship.pushing import parts
from foldship.pushing.job import Job
from foldship.pushing.parts import File, Part
from foldship.pushing.waiting import TooLongError
from foldship_kernel import manifest
from foldship_kernel.errors import listed

ATTEMPTS = 3
UPLOAD = "upload"
READY_S = 3600.0  # processing takes minutes; an hour is for very large versions
APPEAR_S = 120.0  # until a version is to be seen that was ordered, but not confirmed
NAMES = (manifest.FILE_NAME, "bundle-part.json")  # say which bundle it is


def bring(job: Job) -> None:
    """Make every part's newest version on Kaggle what it is here; what is so already is left alone.

    Raises:
        KaggleError: Kaggle refuses, is not ready in time, or what it holds is not what was uploaded.
    """
    for part in job.parts:
        _bring(job, part)


def _bring(job: Job, part: Part) -> None:
    connection, say = job.connection, job.progress.say
    wrong: list[str] = []
    for attempt in range(ATTEMPTS + 1):
        state = datasets.state(connection, part.ref)
        # An earlier version that failed is replaced; one of ours that failed would do so again.
        if state is not None and not (attempt == 0 and state.status in datasets.FAILED):
            state = _ready(job, part)
            wrong = _differences(job, part, state.version)
            if not wrong:
                say(f"dataset {part.ref}: version {state.version} is ready and holds the bundle")
                shutil.rmtree(job.out / UPLOAD, ignore_errors=True)
                return
            if attempt:
                say(f"dataset {part.ref}: version {state.version} is not what was uploaded: {listed(wrong)}")
        if attempt < ATTEMPTS:
            _upload(job, part, state)
    raise KaggleError(
        f"dataset {part.ref} does not hold what was uploaded, {ATTEMPTS} times",
        expected=f"{len(part.files)} files as in {part.folder}",
        found=listed(wrong),
        fix=f"look at it on https://www.kaggle.com/datasets/{part.ref}; then {AGAIN}",
    )


def _upload(job: Job, part: Part, before: datasets.State | None) -> None:
    """Upload all files, make a version of them, and wait until that one is to be seen."""
    folder = parts.stage(part, job.out / UPLOAD)
    job.progress.say(f"dataset {part.ref}: uploading {part.size / 2**20:.1f} MiB")
    limit_s = READY_S
    try:
        with datasets.uploaded(job.connection, folder) as tokens:
            if before:
                notes = part.files[next(name for name in NAMES if name in part.files)].sha256[:12]
                datasets.create_version(job.connection, part.ref, tokens, f"foldship {notes}")
            else:
                datasets.create(job.connection, part.metadata, tokens)
    except AnswerLostError as error:
        job.progress.say(f"{error.what}; looking whether it was done")
        limit_s = APPEAR_S

    def appeared() -> datasets.State | None:
        state = datasets.state(job.connection, part.ref)
        return None if state == before else state

    try:
        job.waiting.until(
            appeared, limit_s, lambda _: job.progress.waiting(f"dataset {part.ref}: being registered")
        )
    except TooLongError:  # the next look finds the earlier version, or none, and uploads again
        job.progress.say(f"dataset {part.ref}: no new version is to be seen")


def _ready(job: Job, part: Part) -> datasets.State:
    """Wait until nothing of it is being processed any more."""

    def ready() -> datasets.State | None:
        state = datasets.state(job.connection, part.ref)
        if state is not None and state.status in datasets.FAILED:
            raise KaggleError(
                f"Kaggle could not process dataset {part.ref}",
                found=f"status {state.status}",
                fix=f"see https://www.kaggle.com/datasets/{part.ref}, delete that version, and push again",
            )
        return state if state is not None and state.status == datasets.READY else None

    try:
        return job.waiting.until(
            ready,
            READY_S,
            lambda passed: job.progress.waiting(
                f"dataset {part.ref}: being processed, {passed:.0f} s so far"
            ),
        )
    except TooLongError as error:
        raise KaggleError(
            f"dataset {part.ref} is still being processed after {READY_S / 60:.0f} minutes",
            expected=f"status {datasets.READY}",
            fix="give Kaggle time; then run the same command again, it does not upload again",
        ) from error


def _differences(job: Job, part: Part, version: int) -> list[str]:
    """What on Kaggle is not as it is here: names and sizes first, then every byte."""
    sizes = datasets.files(job.connection, part.ref)
    wrong = [
        f"{name} is missing"
        if name not in sizes
        else f"{name} has {sizes[name]} bytes instead of {file.size}"
        for name, file in part.files.items()
        if sizes.get(name) != file.size
    ]
    wrong += [f"{name} is too much" for name in sorted(sizes) if name not in part.files]
    if wrong or not job.hashes or job.record.get("verified").get(part.ref) == version:
        return wrong
    with tempfile.TemporaryDirectory(dir=_made(job.out), prefix="verify-") as folder:
        wrong = _named_wrong(job, part, Path(folder)) or _hashed_wrong(job, part, Path(folder))
    if not wrong:
        job.record.put("verified", {**job.record.get("verified"), part.ref: version})
    return wrong


def _named_wrong(job: Job, part: Part, folder: Path) -> list[str]:
    """The small file that names the bundle tells another build without fetching all of it."""
    for name in NAMES:
        if name in part.files:
            datasets.download(job.connection, part.ref, folder / name, name)
            if manifest.sha256(folder / name) != part.files[name].sha256:
                return [f"{name} is that of another build"]
    return []


def _hashed_wrong(job: Job, part: Part, folder: Path) -> list[str]:
    """Fetch everything back and hash it."""
    came = 0

    def advance(size: int) -> None:
        nonlocal came
        came += size
        job.progress.waiting(f"dataset {part.ref}: fetched {came / 2**20:.0f} MiB back to compare")

    path = folder / "all.zip"
    datasets.download(job.connection, part.ref, path, advance=advance)
    found: dict[str, File] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    with archive.open(entry) as stream:
                        found[entry.filename] = File(entry.file_size, _sha256(stream))
    except (zipfile.BadZipFile, EOFError) as error:
        return [f"what Kaggle hands out cannot be unpacked: {error}"]
    return [f"{name} has other bytes" for name, file in part.files.items() if found.get(name) != file]


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _sha256(stream: IO[bytes]) -> str:
    total = hashlib.sha256()
    while piece := stream.read(1 << 20):
        total.update(piece)
    return total.hexdigest()
