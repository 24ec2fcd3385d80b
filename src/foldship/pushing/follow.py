"""Steps five and six: follow the run to its end, and fetch what it left."""

from __future__ import annotations

import shutil
from pathlib import Path

from foldship import folders
from foldship.kaggle_client import kernels
from foldship.kaggle_client.answers import AGAIN, KaggleError
from foldship.kaggle_client.connection import ABSENT
from foldship.pushing.job import Job
from foldship.pushing.launch import found_again
from foldship.pushing.waiting import TooLongError
from foldship_kernel import atomic
from foldship_kernel.errors import FoldshipError

OUTPUT, LOG, SUBMISSION = "output", "kernel.log", "submission.csv"
RUN_S = 24 * 3600.0  # twelve hours at most, and the queue before
APPEAR_S = 120.0  # until a run is to be seen, or all of its files are
LAST_LINES = 15
# Part of Kaggle's words on a failed run, in lower case -> what to do.
REMEDIES = (
    (
        ("allocate more memory", "out of memory"),
        "rehearse with less memory (`make simulate MEMORY=...`), or take fewer or smaller models",
    ),
    (
        ("execution time", "timeout", "timed out", "time limit"),
        "set limit_s in kernel.yaml to the competition's limit; see `make simulate PROFILE=... ROWS=...`",
    ),
    (("disk", "storage"), "the kernel wrote too much to /kaggle/working; see the log"),
)


def follow(job: Job) -> None:
    """Wait for the run's end, and fetch output and log, whatever came of it.

    Raises:
        KaggleError: the run failed, or its output is not whole.
    """
    version = job.record.get("kernel")["version"]
    session = _end(job, version)
    try:
        folder, log = _fetch(job, version, session)
    except KaggleError as error:
        if session.status == kernels.COMPLETE:
            raise
        folder, log = job.out / OUTPUT, str(error)  # the run's own failure says more
    if session.status != kernels.COMPLETE:
        words = f"{session.failure}\n{log}".lower()
        fix = next(
            (fix for parts, fix in REMEDIES if any(part in words for part in parts)),
            f"read {folder / LOG}; rehearse again with `make simulate`, and push again",
        )
        tail = "\n            ".join(log.rstrip().splitlines()[-LAST_LINES:])
        raise KaggleError(
            f"the run of version {version} of {job.ref} ended with {session.status}",
            found=f"{session.failure or 'no reason given'}\n            {tail}".rstrip(),
            fix=fix,
        )


def _end(job: Job, version: int) -> kernels.Session:
    began, seen, last = job.waiting.clock(), False, "QUEUED"

    def ended() -> kernels.Session | None:
        nonlocal seen, last
        try:
            session = kernels.session(job.connection, job.ref, version)
        except KaggleError as error:
            if error.status not in ABSENT:
                raise
            if found_again(job) or (not seen and job.waiting.clock() - began < APPEAR_S):
                return None  # renamed, or just pushed
            raise
        if session.status != last and session.status not in kernels.ENDED:
            job.progress.say(f"kernel {job.ref}: version {version} is {session.status}")
        seen, last = True, session.status
        return session if session.status in kernels.ENDED else None

    try:
        session = job.waiting.until(
            ended,
            RUN_S,
            lambda passed: job.progress.waiting(
                f"kernel {job.ref} v{version}: {last}, {passed:.0f} s so far"
            ),
        )
    except TooLongError as error:
        raise KaggleError(
            f"version {version} of {job.ref} has not ended after {RUN_S / 3600:.0f} hours",
            found=f"status {last}",
            fix=f"look at https://www.kaggle.com/code/{job.ref}; then {AGAIN}",
        ) from error
    job.progress.say(f"kernel {job.ref}: version {version} ended with {session.status}")
    return session


def _fetch(job: Job, version: int, session: kernels.Session) -> tuple[Path, str]:
    """Files and log of the run, in a folder that takes the place of an earlier run's as a whole."""
    place = job.out / OUTPUT
    staged = job.out / f".{OUTPUT}.part"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)

    def listed() -> tuple[list[kernels.Output], str] | None:
        files, log = kernels.outputs(job.connection, job.ref, version)
        whole = session.status != kernels.COMPLETE or any(file.name == SUBMISSION for file in files)
        return (files, log) if whole else None

    try:
        files, log = job.waiting.until(
            listed, APPEAR_S, lambda _: job.progress.waiting(f"{SUBMISSION} is not among the output yet")
        )
        kernels.download(job.connection, files, staged)
        atomic.write_text(staged / LOG, log)
        folders.replace({place: staged})
    except TooLongError as error:
        raise KaggleError(
            f"version {version} of {job.ref} left no {SUBMISSION}: it would be scored as not found",
            fix=f"read the log on https://www.kaggle.com/code/{job.ref}, and rehearse again",
        ) from error
    except OSError as error:
        raise FoldshipError(
            f"{place}: cannot be written", found=str(error), fix=f"free space on the disk; then {AGAIN}"
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    job.progress.say(f"output: {len(files)} files in {place}")
    return place, log
