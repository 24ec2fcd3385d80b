"""Kernels: push, follow, fetch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from foldship import secrets
from foldship.kaggle_client.answers import KaggleError, remedy
from foldship.kaggle_client.connection import ABSENT, Connection
from foldship.kaggle_client.transfer import fetch

PAGE = 100  # files per page of a listing
COMPLETE = "COMPLETE"
FAILED = ("ERROR", "CANCEL_REQUESTED", "CANCEL_ACKNOWLEDGED")
ENDED = (COMPLETE, "ERROR", "CANCEL_ACKNOWLEDGED")
SOURCES = {
    "invalid_dataset_sources": "dataset",
    "invalid_competition_sources": "competition",
    "invalid_kernel_sources": "kernel",
    "invalid_model_sources": "model",
}


@dataclass(frozen=True)
class Pushed:
    """A version of a kernel: its number, and its page."""

    version: int
    url: str


@dataclass(frozen=True)
class Current:
    """The newest version that Kaggle knows of a kernel, and its script's text."""

    version: int
    text: str


@dataclass(frozen=True)
class Session:
    """How far a version's run is: one of Kaggle's states, and its own words on what went wrong."""

    status: str
    failure: str


@dataclass(frozen=True)
class Output:
    """A file that a run left, and where it can be fetched."""

    name: str
    url: str


def current(connection: Connection, ref: str) -> Current | None:
    """The newest version of kernel `ref` ("owner/slug"); None where there is none.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelRequest

    found = connection.find(
        f"tell of kernel {ref}",
        lambda client: client.kernels.kernels_api_client.get_kernel(_named(ApiGetKernelRequest(), ref)),
        ABSENT,
    )
    return found and Current(found.metadata.current_version_number, found.blob.source)


def push(connection: Connection, folder: Path) -> Pushed:
    """Push the kernel in a folder, and read the answer: its errors come with status 200.

    Raises:
        AnswerLostError: it may have been pushed.
        KaggleError: Kaggle refused, or left out a source.
    """
    what = f"push the kernel in {folder}"
    try:
        answer = connection.order(what, lambda _: connection.api.kernels_push(str(folder)))
    except ValueError as error:  # the package's own checks
        raise KaggleError(
            f"Kaggle's client refuses to {what}", found=str(error), fix="run `make bundle` again"
        ) from error
    if answer is None or answer.error:
        message = answer.error if answer else "no answer"
        raise KaggleError(f"Kaggle refuses to {what}", found=message, fix=remedy(message, None))
    left_out = [
        f"{kind} {name}" for field, kind in SOURCES.items() for name in getattr(answer, field, None) or ()
    ]
    if left_out:
        raise KaggleError(
            f"the kernel was pushed as version {answer.version_number}, but without what it needs",
            expected="every dataset and competition of kernel-metadata.json attached",
            found=f"not attached: {', '.join(left_out)}",
            fix="check owner and slug, accept the competition's rules on Kaggle, then push again",
        )
    return Pushed(int(answer.version_number), str(answer.url))


def session(connection: Connection, ref: str, version: int) -> Session:
    """State of one version's run.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiGetKernelSessionStatusRequest

    request = _named(ApiGetKernelSessionStatusRequest(), ref, version)
    answer = connection.ask(
        f"tell how far version {version} of {ref} is",
        lambda client: client.kernels.kernels_api_client.get_kernel_session_status(request),
    )
    return Session(str(answer.status.name), secrets.scrub(answer.failure_message or ""))


def outputs(connection: Connection, ref: str, version: int) -> tuple[list[Output], str]:
    """All files that a version's run left, page by page, and its log as plain text.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelSessionOutputRequest

    request = _named(ApiListKernelSessionOutputRequest(), ref, version)
    request.page_size = PAGE
    found: dict[str, Output] = {}
    log = ""
    for page in connection.pages(
        f"list the output of version {version} of {ref}",
        request,
        lambda client: client.kernels.kernels_api_client.list_kernel_session_output(request),
    ):
        found.update({file.file_name: Output(file.file_name, file.url) for file in page.files or ()})
        log = log or page.log or ""
    return list(found.values()), secrets.scrub(plain(log))


def download(connection: Connection, files: Sequence[Output], folder: Path) -> None:
    """Fetch files of a run into a folder.

    Raises:
        KaggleError: one could not be had.
    """
    for file in files:
        target = (folder / file.name).resolve()
        if not target.is_relative_to(folder.resolve()):
            raise KaggleError(
                "the kernel left a file outside its folder", found=file.name, fix="look at it on Kaggle"
            )
        connection.ask(f"hand out {file.name}", partial(_fetch, file.url, target))


def _fetch(url: str, target: Path, _: Any) -> None:
    fetch(url, target)


def plain(log: str) -> str:
    """A log as text: Kaggle gives a JSON array of pieces {stream_name, time, data}."""
    try:
        pieces = json.loads(log)
        return "".join(str(piece["data"]) for piece in pieces)
    except (ValueError, KeyError, TypeError):
        return log


def _named(request: Any, ref: str, version: int | None = None) -> Any:
    request.user_name, _, request.kernel_slug = ref.partition("/")
    if version is not None:
        # A bare number is answered with 404, see https://github.com/Kaggle/kaggle-cli/issues/1200
        request.version_label = f"v{version}"
    return request
