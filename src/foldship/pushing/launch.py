"""Step four: the kernel is pushed, once, and Kaggle's answer is read."""

from __future__ import annotations

from collections.abc import Iterator

from foldship import naming
from foldship.kaggle_client import kernels
from foldship.kaggle_client.answers import AnswerLostError, KaggleError
from foldship.kaggle_client.connection import ABSENT
from foldship.kaggle_client.kernels import Pushed
from foldship.pushing.job import Job

GONE = "gone"


def launch(job: Job) -> None:
    """Push the kernel, unless a version of it that did not fail was pushed already.

    What is about to be done is noted first: if neither answer nor end of this program is seen, the next look
    at Kaggle tells whether it was done. From then on the kernel goes by the name that Kaggle answers with.

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
    ref, before = job.ref, {}
    for name in reversed(list(_names(job))):
        now = kernels.current(job.connection, name)
        before[name] = now.version if now else 0
        ref = name if now else ref
    job.record.forget("submission")
    job.record.put("kernel", {"before": before})
    try:
        pushed = kernels.push(job.connection, job.kernel, ref)
    except AnswerLostError as error:
        job.progress.say(f"{error.what}; looking whether it was done")
        if _adopt(job, before):
            return
        pushed = kernels.push(job.connection, job.kernel, ref)
    except KaggleError:
        job.record.forget("kernel")
        raise
    _note(job, pushed)


def found_again(job: Job) -> bool:
    """Whether a kernel that is not there any more goes by another name now, which is noted then."""
    noted = job.record.get("kernel")
    now = kernels.ref_of(job.connection, noted["id"]) if noted.get("id") else None
    if now is None or naming.same(now, job.ref):
        return False
    job.progress.say(f"kernel {job.ref}: Kaggle calls it {now} now")
    job.record.put("kernel", {**noted, "ref": now, "url": f"https://www.kaggle.com/code/{now}"})
    return True


def _status(job: Job, version: int) -> str:
    while True:
        try:
            return kernels.session(job.connection, job.ref, version).status
        except KaggleError as error:
            if error.status not in ABSENT:
                raise
            if not found_again(job):  # deleted on Kaggle, say
                return GONE


def _names(job: Job) -> Iterator[str]:
    """What Kaggle may call the kernel: as we do, or after its title."""
    yield job.ref
    try:
        owner, title = job.ref.partition("/")[0], str(job.metadata.get("title", ""))
        by_title = f"{owner}/{naming.slug(title)}"
    except ValueError:
        return
    if not naming.same(by_title, job.ref):
        yield by_title


def _adopt(job: Job, before: dict[str, int]) -> bool:
    """Take the newest version for ours if it came after we began, and is this very script."""
    for name, version in before.items():
        now = kernels.current(job.connection, name)
        if now is not None and now.version > version and now.text == job.code:
            _note(job, Pushed(name, now.id, now.version, f"https://www.kaggle.com/code/{name}"))
            return True
    return False


def _note(job: Job, pushed: Pushed) -> None:
    if not naming.same(pushed.ref, str(job.metadata["id"])):
        job.progress.say(f"kernel {job.metadata['id']}: Kaggle calls it {pushed.ref}, which is followed")
    job.record.put(
        "kernel", {"version": pushed.version, "url": pushed.url, "ref": pushed.ref, "id": pushed.id}
    )
    job.progress.say(f"kernel {pushed.ref}: pushed as version {pushed.version}, {pushed.url}")
