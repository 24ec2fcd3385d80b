"""Kernels: push, follow, fetch."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from foldship import naming, secrets
from foldship.kaggle_client.answers import KaggleError, remedy
from foldship.kaggle_client.connection import ABSENT, Connection
from foldship.kaggle_client.transfer import fetch

METADATA = "kernel-metadata.json"
PAGE = 100  # entries per page of a listing
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
    """A version of a kernel, as Kaggle calls it.

    Attributes:
        ref: owner/slug, which may be others than were asked for.
        id: number of the kernel, which outlasts its names; 0 where Kaggle does not tell.
        version: its number.
        url: its page.
    """

    ref: str
    id: int
    version: int
    url: str


@dataclass(frozen=True)
class Current:
    """The newest version that Kaggle knows of a kernel, its script's text, and the kernel's number."""

    version: int
    text: str
    id: int = 0


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
    return found and Current(found.metadata.current_version_number, found.blob.source, int(found.metadata.id))


def ref_of(connection: Connection, number: int) -> str | None:
    """What a kernel of one's own is called now: "owner/slug"; None where it is no longer there.

    Args:
        connection: to Kaggle.
        number: of the kernel.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.kernels.types.kernels_api_service import ApiListKernelsRequest
    from kagglesdk.kernels.types.kernels_enums import KernelsListViewType

    request = ApiListKernelsRequest()
    request.group, request.page_size = KernelsListViewType.PROFILE, PAGE
    for page in connection.pages(
        f"list the kernels of {connection.owner}",
        request,
        lambda client: client.kernels.kernels_api_client.list_kernels(request),
    ):
        for kernel in page.kernels or ():
            if kernel.id == number:
                return naming.ref_of(kernel.ref) or None
    return None


def push(connection: Connection, folder: Path, ref: str | None = None) -> Pushed:
    """Push the kernel in a folder, and read the answer: its errors come with status 200.

    Args:
        connection: to Kaggle.
        folder: with `kernel-metadata.json` and the code file.
        ref: "owner/slug" that Kaggle knows the kernel by, if not by that of the metadata.

    Raises:
        AnswerLostError: it may have been pushed.
        KaggleError: Kaggle refused, or left out a source.
    """
    metadata = json.loads((folder / METADATA).read_text(encoding="utf-8"))
    wanted = ref or str(metadata.get("id"))
    owner, _, slug = wanted.partition("/")
    what = f"push kernel {wanted} (owner {owner}, slug {slug}, title {metadata.get('title')!r}) of {folder}"
    try:
        with tempfile.TemporaryDirectory(prefix="foldship-kernel-") as made:
            if wanted != metadata.get("id"):
                shutil.copytree(folder, made, dirs_exist_ok=True)
                (Path(made) / METADATA).write_text(json.dumps({**metadata, "id": wanted}), encoding="utf-8")
            source = folder if wanted == metadata.get("id") else made
            answer = connection.order(what, lambda _: connection.api.kernels_push(str(source)))
    except ValueError as error:  # the package's own checks
        raise KaggleError(
            f"Kaggle's client refuses to {what}", found=str(error), fix="run `make bundle` again"
        ) from error
    if answer is None or answer.error:
        message = answer.error if answer else "no answer"
        raise KaggleError(
            f"Kaggle refuses to {what}", found=message, fix=_remedy(message, owner, connection.owner)
        )
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
    named = naming.ref_of(answer.ref) or naming.ref_of(answer.url) or wanted
    return Pushed(
        named,
        int(answer.kernel_id or 0),
        int(answer.version_number),
        answer.url or f"https://www.kaggle.com/code/{named}",
    )


def _remedy(message: str, owner: str, user: str) -> str:
    """What to do about a refused push, by whom it was made for whom."""
    if "not found" not in message.lower():
        return remedy(message, None)
    if not naming.same(owner, user):
        return (
            f"nobody can push for another: you are signed in as {user}, the kernel is {owner}'s. Set "
            f"`owner: {user}` in kernel.yaml, and run `make bundle` again"
        )
    return (
        "look whether the kernel was deleted or renamed on Kaggle; if so choose another title in "
        "kernel.yaml, and run `make bundle` again"
    )


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
