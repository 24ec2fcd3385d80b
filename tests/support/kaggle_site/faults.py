"""Faults to inject with `Site.fail`: each takes a request, and the way to have it answered properly.

They are for the methods of the API, and for PUT (bytes of an upload), QUERY (how far is an upload?) and GET
(a file).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kaggle_site import answers, runners
from kaggle_site.answers import Answer, Dropped
from kaggle_site.exchange import Exchange, Fault, Proceed
from kaggle_site.sessions import OUT_OF_MEMORY, Session
from kaggle_site.versions import FAILED, Version


def status(code: int, message: str = "", *, retry_after: float | str | None = None) -> Fault:
    """The request is refused with this HTTP status; nothing is carried out."""

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        answer = answers.error(code, message or f"Error {code}")
        if retry_after is not None:
            answer.headers["Retry-After"] = (
                retry_after if isinstance(retry_after, str) else f"{retry_after:g}"
            )
        return answer

    return fault


def error_in_body(message: str, code: int | None = None) -> Fault:
    """Nothing is carried out, and status 200 has an error in its body; with `code` in the older form."""
    body: dict[str, Any] = {"error": message} if code is None else {"code": code, "message": message}

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        return Answer(200, {"status": "error", **body} if "CreateDataset" in exchange.method else body)

    return fault


quota = error_in_body("Maximum weekly GPU quota of 30.00 hours reached.")


def answer_lost(exchange: Exchange, proceed: Proceed) -> Answer:
    """The request is carried out, and the connection closed without an answer."""
    proceed()
    raise Dropped


def fine(exchange: Exchange, proceed: Proceed) -> Answer:
    """No fault: lets a request pass before those that are to fail."""
    return proceed()


def drop_mid_upload(after_bytes: int) -> Fault:
    """PUT: the connection is closed once so many bytes have come; they are kept."""

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        exchange.keep, exchange.hang_up = after_bytes, True
        return proceed()

    return fault


def unavailable_mid_upload(after_bytes: int) -> Fault:
    """PUT: so many bytes are kept, and the answer is 503, upon which the client asks how far it is."""

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        exchange.keep = after_bytes
        proceed()
        return answers.error(503, "Service Unavailable")

    return fault


def lost_file(exchange: Exchange, proceed: Proceed) -> Answer:
    """PUT: all is answered well, and yet the file never appears in the dataset."""
    answer = proceed()
    exchange.site.uploads.find(exchange.request["token"]).lost = True
    return answer


# PUT: the client leaves the file out, and goes on without it.
refused_file = status(400, "Bad Request")


def never_ready(exchange: Exchange, proceed: Proceed) -> Answer:
    """CreateDataset, CreateDatasetVersion: the version is processed for ever."""
    answer = proceed()
    _version(exchange).polls = None
    return answer


def failed_processing(exchange: Exchange, proceed: Proceed) -> Answer:
    """CreateDataset, CreateDatasetVersion: processing ends in FAILED."""
    answer = proceed()
    _version(exchange).fate = FAILED
    return answer


def corrupted_file(path: str) -> Fault:
    """CreateDataset, CreateDatasetVersion: a byte in the middle of a stored file is another one."""

    def corrupt(stored: Path) -> None:
        content = bytearray(stored.read_bytes())
        content[len(content) // 2] ^= 1
        stored.write_bytes(content)

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        answer = proceed()
        corrupt(_version(exchange).files[path])
        return answer

    return fault


def missing_file(path: str) -> Fault:
    """CreateDataset, CreateDatasetVersion: a file is not there after the archives have been unpacked."""

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        answer = proceed()
        _version(exchange).files.pop(path).unlink()
        return answer

    return fault


def named(ref: str) -> Fault:
    """SaveKernel: Kaggle calls the kernel this from the start, whatever was asked for."""

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        answer = proceed()
        old = answer.body["ref"].removeprefix("/code/")
        if old != ref:
            exchange.site.rename(old, ref)
        answer.body.update(ref=f"/code/{ref}", url=f"https://www.kaggle.com/code/{ref}")
        return answer

    return fault


def session_error(message: str = OUT_OF_MEMORY, log: str = "") -> Fault:
    """SaveKernel: the run ends in an error."""

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        answer = proceed()
        _session(exchange).run = runners.fails(message, log)
        return answer

    return fault


def never_starts(exchange: Exchange, proceed: Proceed) -> Answer:
    """SaveKernel: the run waits for a machine for ever."""
    answer = proceed()
    _session(exchange).queued = None
    return answer


def partial_page(exchange: Exchange, proceed: Proceed) -> Answer:
    """A listing does not tell of its next page; or, for GET, the download breaks off in the middle."""
    answer = proceed()
    if answer.file is not None:
        answer.cut = answer.file.stat().st_size // 2
    elif answer.body is not None:
        answer.body["nextPageToken"] = ""
    return answer


def scoring_error(message: str = "Submission Scoring Error") -> Fault:
    """CreateCodeSubmission: scoring fails."""

    def fault(exchange: Exchange, proceed: Proceed) -> Answer:
        answer = proceed()
        submission = exchange.site.submissions[-1]
        submission.score, submission.error = None, message
        return answer

    return fault


def _version(exchange: Exchange) -> Version:
    """The version that a request has just made."""
    request = exchange.request
    slug = request.get("datasetSlug") or request["slug"]
    return exchange.site.datasets[f"{request['ownerSlug']}/{slug}"].versions[-1]


def _session(exchange: Exchange) -> Session:
    """The run that a request has just started."""
    kernels = exchange.site.kernels.values()
    return max((kernel.sessions[-1] for kernel in kernels), key=lambda session: session.order)
