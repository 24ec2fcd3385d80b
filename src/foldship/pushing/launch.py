"""Step four: the kernel is pushed, once, and Kaggle's answer is read."""

from __future__ import annotations

from foldship.kaggle_client import kernels
from foldship.kaggle_client.answers import AnswerLostError, KaggleError
from foldship.kaggle_client.connection import ABSENT
from foldship.pushing.job import Job

GONE = "gone"


def launch(job: Job) -> None:
    """Push the kernel, unless a version of it that did not fail was pushed already.

    What is about to be done is noted first: if neither answer nor end of this program is seen, the next look
    at Kaggle tells whether it was done.

    Raises:
        KaggleError: Kaggle refuses, or leaves out a source.
    """
    noted = job.record.get("kernel")
    if "version" in noted:
        status = _status(job, noted["version"])
        if status not in (GONE, *kernels.FAILED):
            job.progress.say(f"kernel {job.ref}: version {noted['version']} is there already")
            return
        job.progress.say(f"kernel {job.ref}: version {noted['version']} is {status}, so it is pushed again")
    elif "before" in noted and _adopt(job, noted["before"]):
        return
    now = kernels.current(job.connection, job.ref)
    before = now.version if now else 0
    job.record.forget("submission")
    job.record.put("kernel", {"before": before})
    try:
        pushed = kernels.push(job.connection, job.kernel)
    except AnswerLostError as error:
        job.progress.say(f"{error.what}; looking whether it was done")
        if _adopt(job, before):
            return
        pushed = kernels.push(job.connection, job.kernel)
    except KaggleError:
        job.record.forget("kernel")
        raise
    _note(job, pushed.version, pushed.url)


def _status(job: Job, version: int) -> str:
    try:
        return kernels.session(job.connection, job.ref, version).status
    except KaggleError as error:
        if error.status in ABSENT:  # deleted on Kaggle, say
            return GONE
        raise


def _adopt(job: Job, before: int) -> bool:
    """Take the newest version for ours if it came after we began, and is this very script."""
    now = kernels.current(job.connection, job.ref)
    if now is None or now.version <= before or now.text != job.code:
        return False
    _note(job, now.version, f"https://www.kaggle.com/code/{job.ref}")
    return True


def _note(job: Job, version: int, url: str) -> None:
    job.record.put("kernel", {"version": version, "url": url})
    job.progress.say(f"kernel {job.ref}: pushed as version {version}, {url}")
