"""Datasets: their state, their files, uploads and new versions."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foldship import naming
from foldship.kaggle_client.answers import AGAIN, KaggleError, remedy
from foldship.kaggle_client.connection import ABSENT, Connection
from foldship.kaggle_client.retry import NotTakenError
from foldship.kaggle_client.transfer import ignore, save
from foldship_kernel.errors import FoldshipError

METADATA = "dataset-metadata.json"
PAGE = 200  # files per page of a listing
READY, FAILED = "READY", ("FAILED", "DELETED")


@dataclass(frozen=True)
class State:
    """What Kaggle says of a dataset: its newest version's number, and how far that is processed."""

    version: int
    status: str


def state(connection: Connection, ref: str) -> State | None:
    """State of dataset `ref` ("owner/slug"); None where there is none, or none that one may see.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest, ApiGetDatasetStatusRequest

    what = f"tell how far dataset {ref} is"
    status = connection.find(
        what,
        lambda client: client.datasets.dataset_api_client.get_dataset_status(
            _named(ApiGetDatasetStatusRequest(), ref)
        ),
        ABSENT,
    )
    if status is None:
        return None
    dataset = connection.find(
        what,
        lambda client: client.datasets.dataset_api_client.get_dataset(_named(ApiGetDatasetRequest(), ref)),
    )
    return State(dataset.current_version_number if dataset else 0, str(status.status.name))


def files(connection: Connection, ref: str) -> dict[str, int]:
    """Path and size in bytes of all files of the newest version, archives unpacked.

    Raises:
        KaggleError: Kaggle refused, or could not be reached.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiListDatasetFilesRequest

    request = _named(ApiListDatasetFilesRequest(), ref)
    request.page_size = PAGE
    found: dict[str, int] = {}
    for page in connection.pages(
        f"list the files of dataset {ref}",
        request,
        lambda client: client.datasets.dataset_api_client.list_dataset_files(request),
    ):
        if page.error_message:
            raise KaggleError(
                f"Kaggle refuses to list the files of dataset {ref}",
                found=page.error_message,
                fix=remedy(page.error_message, None),
            )
        found.update({file.name: file.total_bytes for file in page.dataset_files})
    return found


def download(
    connection: Connection,
    ref: str,
    target: Path,
    name: str | None = None,
    advance: Callable[[int], object] = ignore,
) -> None:
    """Download one file of the newest version, or all of them as one zip archive.

    Args:
        connection: to Kaggle.
        ref: "owner/slug".
        target: file to write.
        name: path of one file; None for all.
        advance: told the number of bytes as they come.

    Raises:
        KaggleError: Kaggle refused, or the line broke each time.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiDownloadDatasetRequest

    request = _named(ApiDownloadDatasetRequest(), ref)
    request.file_name = name

    def fetch(client: Any) -> None:
        save(client.datasets.dataset_api_client.download_dataset(request), target, advance)

    connection.ask(f"download {name or 'the files'} of dataset {ref}", fetch)


@contextlib.contextmanager
def uploaded(connection: Connection, folder: Path) -> Iterator[list[str]]:
    """Upload all files of a folder but its metadata, through the package's resumable uploads.

    If the block raises, what was uploaded is known to the next call, which does not upload it again.

    Yields:
        One token per file, to make a version with.

    Raises:
        KaggleError: a file could not be uploaded, however often it was tried.
    """
    from kaggle.api.kaggle_api_extended import ResumableUploadContext

    with ResumableUploadContext() as uploads:
        yield _upload(connection, folder, uploads)


def _upload(connection: Connection, folder: Path, uploads: Any) -> list[str]:
    from kagglesdk.blobs.types.blob_api_service import ApiBlobType
    from kagglesdk.datasets.types.dataset_api_service import ApiCreateDatasetRequest

    expected = sorted(path for path in folder.iterdir() if path.name != METADATA)
    refused: list[str] = []

    def attempt(_: Any) -> list[str]:
        request = ApiCreateDatasetRequest()
        request.files = []
        with connection.quietly() as printed:
            connection.api.upload_files(request, None, str(folder), ApiBlobType.DATASET, uploads)
        refused[:] = [
            path.name for path in expected if f"Upload unsuccessful: {path.name}" in printed.getvalue()
        ]
        for name in refused:  # begin these anew: the package would go on with a dead upload for days
            Path(uploads.get_upload_info_file_path(str(folder / name))).unlink(missing_ok=True)
        if len(request.files) < len(expected):  # the package leaves such files out without a word
            raise NotTakenError(f"Kaggle did not take {', '.join(refused)}")
        return [file.token for file in request.files]

    try:
        return connection.ask(f"take the upload of {folder.name}", attempt)
    except KaggleError as error:
        if not refused:
            raise
        raise KaggleError(
            f"Kaggle does not take {', '.join(refused)} of {folder}",
            found=error.found,
            fix=f"check the network and the room left on Kaggle; then {AGAIN}",
        ) from error


def create(connection: Connection, metadata: Mapping[str, Any], tokens: Sequence[str]) -> None:
    """Make a new private dataset of uploaded files.

    Raises:
        AnswerLostError: it may have been made.
        KaggleError: Kaggle refused.
    """
    from kagglesdk.datasets.types.dataset_api_service import ApiCreateDatasetRequest

    request = _named(ApiCreateDatasetRequest(), metadata["id"], slug="slug")
    request.title = metadata["title"]
    request.license_name = metadata["licenses"][0]["name"]
    request.is_private = True
    request.files = _new_files(tokens)
    what = f"create dataset {metadata['id']}"
    answer = connection.order(what, lambda client: client.datasets.dataset_api_client.create_dataset(request))
    _check(answer, what)
    made = naming.ref_of(answer.ref) or naming.ref_of(answer.url)
    if made and not naming.same(made, metadata["id"]):
        connection.say(
            f"Kaggle made dataset {made}, not {metadata['id']}: choose a dataset_title of which it makes "
            "that name, and run `make bundle` again"
        )


def create_version(connection: Connection, ref: str, tokens: Sequence[str], notes: str) -> None:
    """Make a new version of uploaded files; it replaces all files of the one before.

    Raises:
        AnswerLostError: it may have been made.
        KaggleError: Kaggle refused.
    """
    from kagglesdk.datasets.types.dataset_api_service import (
        ApiCreateDatasetVersionRequest,
        ApiCreateDatasetVersionRequestBody,
    )

    request = _named(ApiCreateDatasetVersionRequest(), ref)
    request.body = ApiCreateDatasetVersionRequestBody()
    request.body.version_notes = notes
    request.body.files = _new_files(tokens)
    what = f"make a new version of dataset {ref}"
    _check(
        connection.order(
            what, lambda client: client.datasets.dataset_api_client.create_dataset_version(request)
        ),
        what,
    )


def read_metadata(folder: Path) -> dict[str, Any]:
    """Content of the folder's `dataset-metadata.json`.

    Raises:
        FoldshipError: it is missing, or lacks what Kaggle needs.
    """
    try:
        value: dict[str, Any] = json.loads((folder / METADATA).read_text(encoding="utf-8"))
        _ = value["id"].index("/"), value["title"], value["licenses"][0]["name"]
    except (OSError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise FoldshipError(
            f"{folder / METADATA}: cannot be used",
            expected="id (owner/slug), title and one licence",
            found=repr(error),
            fix="make it with `make bundle`",
        ) from error
    return value


def _named(request: Any, ref: str, slug: str = "dataset_slug") -> Any:
    request.owner_slug, _, name = ref.partition("/")
    setattr(request, slug, name)
    return request


def _new_files(tokens: Sequence[str]) -> list[Any]:
    from kagglesdk.datasets.types.dataset_api_service import ApiDatasetNewFile

    made = []
    for token in tokens:
        file = ApiDatasetNewFile()
        file.token = token
        made.append(file)
    return made


def _check(answer: Any, what: str) -> None:
    """Errors come with status 200, too."""
    if answer.error or (answer.status or "ok").lower() != "ok":
        message = answer.error or f"status {answer.status}"
        raise KaggleError(f"Kaggle refuses to {what}", found=message, fix=remedy(message, None))
