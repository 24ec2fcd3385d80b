"""All of it: addresses in, documents and passages out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from foldship import receipts
from foldship.config.documents import Documents
from foldship.documents import tables
from foldship.documents.cache import Cache
from foldship.documents.document import Document
from foldship.documents.fetch import Connect, fetch
from foldship.documents.pace import Time
from foldship.documents.parse import Unread, parse
from foldship.documents.passages import cut
from foldship.documents.report import FetchReport, Result
from foldship.documents.wire import connect
from foldship.mishaps import step
from foldship.terminals import bar as progress_bar
from foldship_kernel.manifest import sha256 as file_sha256

DOCUMENTS = "documents.jsonl"
PASSAGES = "passages.jsonl"


@dataclass(frozen=True)
class Collected:
    """What there is now.

    Attributes:
        folder: with `DOCUMENTS`, `PASSAGES` and a receipt.
        fetched: what came of each address; a result's `key` is its document's id.
        documents, passages: how many rows the files have.
        unread: documents that were fetched, but have no text to read.
    """

    folder: Path
    fetched: FetchReport
    documents: int
    passages: int
    unread: tuple[Unread, ...]


@step("fetching documents")
def collect(
    urls: Sequence[str],
    folder: Path,
    settings: Documents,
    *,
    cache_folder: Path | None = None,
    time: Time | None = None,
    connection: Connect = connect,
) -> Collected:
    """Fetch documents, read them, and cut them into passages.

    The files hold documents in the order of their first addresses. They are left alone where they were made
    from just this already.

    Args:
        urls: addresses; several may lead to one document.
        folder: where the files go; made if it is missing.
        settings: of fetching and cutting.
        cache_folder: what was fetched; `cache` in `folder` if None.
        time, connection: as in `fetch`.

    Raises:
        OSError, KeyboardInterrupt: as in `fetch`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cache = Cache(cache_folder or folder / "cache")
    fetched = fetch(urls, cache.folder, settings, time=time, connection=connection)
    held = [result for result in fetched.documents if result.held]
    inputs = receipts.digest(
        [
            [[result.key, result.url, _digest(cache, result)] for result in held],
            settings.passages.model_dump(mode="json"),
            receipts.digest_source(parse),
        ]
    )
    if not _is_current(folder, inputs):
        _write(folder, inputs, held, cache, settings)
    made = receipts.read(folder)
    unread = tuple(Unread(**one) for one in made["unread"])
    return Collected(folder, fetched, made["documents"], made["passages"], unread)


def _digest(cache: Cache, result: Result) -> str:
    entry = cache.get(result.key)
    return sha256(entry.body).hexdigest() if entry else ""


def _is_current(folder: Path, inputs: str) -> bool:
    files = receipts.read(folder).get(receipts.FILES)
    return receipts.is_current(folder, inputs) and files == _files(folder)


def _files(folder: Path) -> dict[str, str]:
    paths = (folder / name for name in (DOCUMENTS, PASSAGES))
    return {path.name: file_sha256(path) for path in paths if path.is_file()}


def _write(folder: Path, inputs: str, held: Sequence[Result], cache: Cache, settings: Documents) -> None:
    unread: list[Unread] = []

    def read() -> Iterator[Document]:
        for result in progress_bar(held, desc="reading", unit="document"):
            entry = cache.get(result.key)
            if entry is None:
                one: Document | Unread = Unread(result.key, result.url, "it was damaged in the cache since")
            else:
                one = parse(entry, result.url)
            if isinstance(one, Unread):
                unread.append(one)
            else:
                yield one

    documents = tables.write(folder / DOCUMENTS, read())
    rows = tables.read_documents(folder / DOCUMENTS)
    shown = progress_bar(rows, desc="passages", total=documents, unit="document")
    passages = tables.write(
        folder / PASSAGES, (passage for document in shown for passage in cut(document, settings.passages))
    )
    receipts.write(
        folder,
        inputs,
        {
            "documents": documents,
            "passages": passages,
            "unread": [vars(one) for one in unread],
            receipts.FILES: _files(folder),
        },
    )
