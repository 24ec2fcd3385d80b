"""The competition: whether one may take part, what is left of the quotas, and submissions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foldship.kaggle_client.answers import KaggleError, remedy
from foldship.kaggle_client.connection import Connection

PENDING = "PENDING"
PAGE = 100  # submissions of a listing


@dataclass(frozen=True)
class Quota:
    """GPU hours of this week."""

    used_h: float
    total_h: float

    @property
    def left_h(self) -> float:
        """Hours that are left."""
        return max(0.0, self.total_h - self.used_h)


@dataclass(frozen=True)
class Submission:
    """A submission: its number, state, score as Kaggle shows it, and what went wrong."""

    ref: int
    status: str
    score: str
    error: str
    description: str


def entered(connection: Connection, slug: str) -> bool | None:
    """Whether the user has accepted the rules; None where there is no such competition.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiGetCompetitionRequest

    request = ApiGetCompetitionRequest()
    request.competition_name = slug
    found = connection.find(
        f"tell of competition {slug}",
        lambda client: client.competitions.competition_api_client.get_competition(request),
    )
    return None if found is None else bool(found.user_has_entered)


def submissions_left(connection: Connection, slug: str) -> int | None:
    """Submissions that the user's team may still make today (UTC); None where Kaggle does not tell.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionLimitsRequest

    request = ApiGetSubmissionLimitsRequest()
    request.competition_name = slug
    found = connection.find(
        f"tell how often one may still submit to {slug}",
        lambda client: client.competitions.competition_api_client.get_submission_limits(request),
    )
    return None if found is None else int(found.num_allowed_now)


def gpu_quota(connection: Connection) -> Quota | None:
    """GPU hours of this week; None where Kaggle does not tell.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    answer = connection.ask("tell the GPU quota", lambda _: connection.api.quota_view())
    quota = answer.gpu_quota
    if quota is None or quota.total_time_allowed is None:
        return None
    used = quota.time_used.total_seconds() if quota.time_used else 0.0
    return Quota(used / 3600, quota.total_time_allowed.total_seconds() / 3600)


def submit(
    connection: Connection, competition: str, kernel: str, version: int, file_name: str, description: str
) -> int:
    """Submit a version's output file; returns the submission's number.

    Raises:
        AnswerLostError: it may have been submitted.
        KaggleError: Kaggle refused.
    """
    what = f"submit version {version} of {kernel} to {competition}"
    answer = connection.order(
        what,
        lambda _: connection.api.competition_submit_code(
            file_name, description, competition, kernel, version, quiet=True
        ),
    )
    if not answer.ref:
        raise KaggleError(f"Kaggle refuses to {what}", found=answer.message, fix=remedy(answer.message, None))
    return int(answer.ref)


def submission(connection: Connection, ref: int) -> Submission:
    """One submission.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.competitions.types.competition_api_service import ApiGetSubmissionRequest

    request = ApiGetSubmissionRequest()
    request.ref = ref
    return _submission(
        connection.ask(
            f"tell of submission {ref}",
            lambda client: client.competitions.competition_api_client.get_submission(request),
        )
    )


def submissions(connection: Connection, competition: str) -> list[Submission]:
    """The newest submissions of the user's team, newest first.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    found = connection.ask(
        f"list the submissions to {competition}",
        lambda _: connection.api.competition_submissions(competition, page_size=PAGE),
    )
    return [_submission(entry) for entry in found or () if entry is not None]


def _submission(entry: Any) -> Submission:
    return Submission(
        int(entry.ref),
        str(entry.status.name),
        str(entry.public_score or ""),
        str(entry.error_description or ""),
        str(entry.description or ""),
    )
