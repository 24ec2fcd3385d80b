"""Competitions: who has entered, and what was submitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kaggle_site.answers import Methods, Refused, page
from kaggle_site.kernels import Kernels

PENDING, COMPLETE, ERROR = "PENDING", "COMPLETE", "ERROR"
DAILY = 5


@dataclass
class Submission:
    """One submission.

    Attributes:
        ref: its number.
        request: what was asked for.
        path: the file that the kernel left behind.
        polls: how often it must be asked for before it is scored.
        score: that it then has; None when scoring fails.
        error: why scoring fails.
        date: when it was made.
    """

    ref: int
    request: Mapping[str, Any]
    path: Path
    polls: int
    score: str | None
    error: str = ""
    date: datetime = field(default_factory=lambda: datetime.now(UTC).replace(tzinfo=None))

    @property
    def status(self) -> str:
        """PENDING, COMPLETE or ERROR."""
        if self.polls > 0:
            return PENDING
        return ERROR if self.score is None else COMPLETE

    def poll(self) -> dict[str, Any]:
        """How it is shown; asking brings it forward."""
        shown = {
            "ref": self.ref,
            "date": self.date.isoformat(timespec="milliseconds") + "Z",
            "description": self.request.get("submissionDescription", ""),
            "fileName": self.request.get("fileName", ""),
            "totalBytes": self.path.stat().st_size,
            "status": self.status,
        }
        if self.status == COMPLETE:
            shown["publicScore"] = self.score or ""
        elif self.status == ERROR:
            shown["errorDescription"] = self.error
        self.polls -= 1
        return shown


class Competitions:
    """`competitions.CompetitionApiService`."""

    def __init__(
        self,
        folders: Mapping[str, Path],
        kernels: Kernels,
        entered: bool,
        polls: int,
        score: str,
        most: int,
    ) -> None:
        self.submissions: list[Submission] = []
        self.entered = entered
        self._folders, self._kernels = folders, kernels
        self._polls, self._score, self._most = polls, score, most
        service = "competitions.CompetitionApiService"
        self.methods: Methods = {
            f"{service}/GetCompetition": self.get,
            f"{service}/ListSubmissions": self.listing,
            f"{service}/GetSubmission": self.submission,
            f"{service}/GetSubmissionLimits": self.limits,
            f"{service}/CreateCodeSubmission": self.submit,
        }

    def get(self, request: dict[str, Any]) -> dict[str, Any]:
        """The competition's card."""
        name = self._known(request)
        return {
            "id": 1,
            "ref": f"https://www.kaggle.com/competitions/{name}",
            "title": name.replace("-", " ").title(),
            "url": f"https://www.kaggle.com/competitions/{name}",
            "deadline": "2030-01-01T23:59:00.000Z",
            "userHasEntered": self.entered,
            "maxDailySubmissions": DAILY,
            "isKernelsSubmissionsOnly": True,
        }

    def listing(self, request: dict[str, Any]) -> dict[str, Any]:
        """The submissions to a competition, newest first; asking brings them forward."""
        name = self._known(request)
        mine = [found for found in reversed(self.submissions) if found.request["competitionName"] == name]
        shown, token = page(mine, request, self._most)
        return {"submissions": [found.poll() for found in shown], "nextPageToken": token}

    def submission(self, request: dict[str, Any]) -> dict[str, Any]:
        """One submission; asking brings it forward."""
        found = next((one for one in self.submissions if one.ref == request.get("ref")), None)
        if found is None:
            raise Refused(404, "Not found")
        return found.poll()

    def limits(self, request: dict[str, Any]) -> dict[str, Any]:
        """How many submissions are left today."""
        name = self._known(request)
        made = self._today(name)
        return {"numToday": made, "numTotal": made, "numAllowedNow": max(0, DAILY - made)}

    def submit(self, request: dict[str, Any]) -> dict[str, Any]:
        """Submit an output file of a version of a kernel that ran to its end."""
        name = self._known(request)
        if not self.entered:
            raise Refused(403, "You must accept this competition's rules before you can submit.")
        if not request.get("kernelVersion"):
            raise Refused(403, "Permission 'kernelSessions.get' was denied")
        if self._today(name) >= DAILY:
            raise Refused(
                400,
                f"Submission not allowed: Your team has used its daily Submission allowance ({DAILY}) today, "
                "please try again tomorrow UTC.",
            )
        ref = f"{request.get('kernelOwner')}/{request.get('kernelSlug')}"
        session = self._kernels.finished(ref, request["kernelVersion"])
        if session is None:
            raise Refused(400, "The notebook version has not run to its end.")
        if session.request.get("enableInternet", True):
            raise Refused(400, "Your Notebook cannot use internet access in this competition")
        path = session.outputs.get(request.get("fileName", ""))
        if path is None:
            raise Refused(400, "Submission file not found in the notebook's output.")
        number = 50_000_001 + len(self.submissions)
        self.submissions.append(Submission(number, request, path, self._polls, self._score))
        return {"message": f"Successfully submitted to {name}", "ref": number}

    def _today(self, name: str) -> int:
        """Submissions that count: not those whose scoring failed."""
        return sum(
            found.request["competitionName"] == name and found.status != ERROR for found in self.submissions
        )

    def _known(self, request: Mapping[str, Any]) -> str:
        name = str(request.get("competitionName", ""))
        if name not in self._folders:
            raise Refused(404, "Competition not found")
        return name
