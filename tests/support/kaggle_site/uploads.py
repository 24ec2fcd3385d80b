"""Uploads: the start of one, and the resumable protocol of Google Cloud Storage that carries the bytes.

Source: https://cloud.google.com/storage/docs/performing-resumable-uploads
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kaggle_site.answers import Answer, Methods, Refused

RANGE = re.compile(r"bytes (?:\*|(?P<first>\d+)-(?P<last>\d+))/(?P<total>\d+)")


@dataclass
class Upload:
    """One file on its way.

    Attributes:
        token: names it when a dataset is made of it.
        name: of the file.
        size: in bytes, as announced.
        path: where the bytes are kept.
        lost: it arrives, and yet never appears in a dataset.
    """

    token: str
    name: str
    size: int
    path: Path
    lost: bool = False

    @property
    def received(self) -> int:
        """Bytes that have come so far."""
        return self.path.stat().st_size

    @property
    def complete(self) -> bool:
        """Whether all bytes have come."""
        return self.received == self.size

    def answer(self) -> Answer:
        """How far it is: 200, or 308 with the range received."""
        if self.complete:
            return Answer(200, {"name": self.name, "size": str(self.size)})
        return Answer(308, headers={"Range": f"bytes=0-{self.received - 1}"} if self.received else {})

    def take(self, content: bytes, first: int) -> None:
        """Store bytes; those that are there already are passed over, as Google does.

        Raises:
            Refused: they leave a gap, or are more than announced.
        """
        received = self.received
        if first > received or first + len(content) > self.size:
            raise Refused(400, "Invalid request. The bytes do not fit the upload.")
        with self.path.open("ab") as stream:
            stream.write(content[received - first :] if first < received else content)


class Uploads:
    """All uploads of a site."""

    def __init__(self, folder: Path, base: str) -> None:
        self._folder, self._base = folder, base
        self._uploads: dict[str, Upload] = {}
        folder.mkdir(parents=True)
        self.methods: Methods = {"blobs.BlobApiService/StartBlobUpload": self.start}

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        """Announce a file; answers where its bytes go."""
        token = f"upload-{len(self._uploads) + 1}"
        path = self._folder / token
        path.touch()
        self._uploads[token] = Upload(token, request.get("name", ""), request.get("contentLength", 0), path)
        return {"token": token, "createUrl": f"{self._base}/upload/{token}"}

    def find(self, token: str) -> Upload:
        """The upload of that token.

        Raises:
            Refused: there is none.
        """
        if token not in self._uploads:
            raise Refused(404, "Not Found")
        return self._uploads[token]

    def finished(self, tokens: list[str]) -> list[Upload]:
        """The uploads of these tokens.

        Raises:
            Refused: one is unknown or has not come whole.
        """
        found = [self._uploads.get(token) for token in tokens]
        for upload, token in zip(found, tokens, strict=True):
            if upload is None or not upload.complete:
                raise Refused(400, f"Invalid token: {token}")
        return [upload for upload in found if upload]
