"""What was fetched, on disk: one file a document, whole or not there at all."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from foldship_kernel.atomic import write_bytes

_LEVEL = 6  # of compression; the best there is takes four times as long, for 1% less


@dataclass(frozen=True)
class Entry:
    """A document as it came, or that there is none.

    Attributes:
        key: see `addresses.key_of`.
        url: address that it was asked for by.
        final: address that answered, after redirects.
        status: HTTP's; 404 and 410 are remembered, too.
        kind: content type.
        time: of the answer, seconds since 1970.
        body: bytes as they came, unpacked; empty where there is none.
    """

    key: str
    url: str
    final: str
    status: int
    kind: str
    time: float
    body: bytes

    @property
    def found(self) -> bool:
        """Whether there is a document."""
        return 200 <= self.status < 300


class Cache:
    """Entries below a folder, as `<first two digits>/<SHA-256 of the key>.gz`.

    A file is a line of JSON, the entry without its body, and then the body, in gzip: its checksum tells a
    damaged file, and `zcat` shows a whole one.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the entry of a key is."""
        name = hashlib.sha256(key.encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.gz"

    def get(self, key: str) -> Entry | None:
        """The entry of a key; None if there is none, or not a whole one."""
        try:
            head, _, body = gzip.decompress(self.path(key).read_bytes()).partition(b"\n")
            entry = Entry(**json.loads(head), body=body)
        except (OSError, EOFError, zlib.error, ValueError, TypeError):
            return None
        return entry if entry.key == key else None

    def put(self, entry: Entry) -> None:
        """Keep an entry, in place of an earlier one.

        Raises:
            OSError: the disk is full or read-only.
        """
        path = self.path(entry.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        head = asdict(replace(entry, body=b""))
        del head["body"]
        text = json.dumps(head, ensure_ascii=False).encode()
        write_bytes(path, gzip.compress(text + b"\n" + entry.body, _LEVEL, mtime=0))
