"""Step eight, if asked for: submit the version to the competition, and wait for the score."""

from __future__ import annotations

from foldship.kaggle_client import competitions
from foldship.kaggle_client.answers import AGAIN, AnswerLostError, KaggleError
from foldship.kaggle_client.competitions import Submission
from foldship.pushing.follow import SUBMISSION
from foldship.pushing.job import Job
from foldship.pushing.waiting import TooLongError

SCORE_S = 12 * 3600.0  # the hidden test set is larger, and there is a queue


def submit(job: Job) -> None:
    """Submit once, and wait for the score.

    Raises:
        KaggleError: Kaggle refuses, or the submission failed there.
    """
    competition = str(job.metadata["competition_sources"][0])
    version = int(job.record.get("kernel")["version"])
    # Tells this submission from all others, should the answer to the request be lost.
    description = f"foldship {job.metadata['id']} v{version}"
    noted = job.record.get("submission")
    ref = noted.get("ref") or (_find(job, competition, description) if noted else None)
    if ref is None:
        job.record.put("submission", {"description": description})
        ref = _order(job, competition, version, description)
    job.record.put("submission", {"description": description, "ref": ref})
    done = _scored(job, ref)
    if done.error or done.status == "ERROR":
        raise KaggleError(
            f"submission {ref} to {competition} failed",
            found=done.error or f"status {done.status}",
            fix=f"see https://www.kaggle.com/competitions/{competition}/submissions; the hidden test set is "
            "larger than the public one: `make simulate ROWS=...`",
        )
    job.record.put("submission", {"description": description, "ref": ref, "score": done.score})
    job.progress.say(f"submission {ref} to {competition}: public score {done.score or 'not shown'}")


def _order(job: Job, competition: str, version: int, description: str) -> int:
    def order() -> int:
        return competitions.submit(job.connection, competition, job.ref, version, SUBMISSION, description)

    try:
        return order()
    except AnswerLostError as error:
        job.progress.say(f"{error.what}; looking whether it was done")
        found = _find(job, competition, description)
        return order() if found is None else found


def _find(job: Job, competition: str, description: str) -> int | None:
    for entry in competitions.submissions(job.connection, competition):
        if entry.description == description:
            return entry.ref
    return None


def _scored(job: Job, ref: int) -> Submission:
    def scored() -> Submission | None:
        entry = competitions.submission(job.connection, ref)
        return None if entry.status == competitions.PENDING else entry

    try:
        return job.waiting.until(
            scored,
            SCORE_S,
            lambda passed: job.progress.waiting(f"submission {ref}: being scored, {passed:.0f} s so far"),
        )
    except TooLongError as error:
        raise KaggleError(
            f"submission {ref} has no score after {SCORE_S / 3600:.0f} hours", fix=AGAIN
        ) from error
