"""The HTTP side: which requests are let in, and how answers are written."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from kaggle_site import files
from kaggle_site.answers import Answer, Dropped, Refused
from kaggle_site.exchange import Exchange
from kaggle_site.uploads import RANGE

if TYPE_CHECKING:
    from kaggle_site.site import Site

HOSTS = ("localhost", "127.0.0.1")
API, UPLOAD, FILES = "/api/v1/", "/upload/", "/files/"
LOGS = "/api/v1/kernels/logs/stream/"
CHUNK = 1 << 16


class Server(ThreadingHTTPServer):
    """Listens; clients may hang up when they like."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Pass over what only the client can know the reason of; the handler deals with all else."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    _incoming: Iterator[bytes] = iter(())
    site: Site  # set by the subclass that a site makes for itself

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    def do_CONNECT(self) -> None:
        """Refuse to be a way out."""
        self._escape(self.path)

    def do_POST(self) -> None:
        """A method of the API."""
        self._serve(self._post)

    def do_PUT(self) -> None:
        """Bytes of an upload, or the question how far it is."""
        self._serve(self._put)

    def do_GET(self) -> None:
        """A file, or the log of a running kernel."""
        self._serve(self._get)

    def _serve(self, act: Any) -> None:
        """Let a request in, and write the answer."""
        self._incoming = self._body()
        url = urlsplit(self.path)
        host = url.hostname or urlsplit(f"//{self.headers.get('Host', '')}").hostname
        if host not in HOSTS:
            self._escape(self.path)
            return
        try:
            try:
                answer = act(unquote(url.path))
            except Refused as refused:
                answer = refused.answer
            for _ in self._incoming:  # what an early refusal left unread
                pass
            self._write(answer)
        except Dropped:
            self._hang_up()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:
            self.site.broken.append(error)
            self._hang_up()

    def _post(self, path: str) -> Answer:
        content = b"".join(self._incoming)
        if not path.startswith(API):
            raise Refused(404, "Not found")
        self._authorize()
        request = json.loads(content or b"{}")
        return self.site.answer(path.removeprefix(API), request)

    def _put(self, path: str) -> Answer:
        upload = self.site.uploads.find(path.removeprefix(UPLOAD))
        request = {"token": upload.token, "name": upload.name}
        span = RANGE.fullmatch(self.headers.get("Content-Range", ""))
        if span and span["first"] is None:
            return self.site.guard(Exchange(self.site, "QUERY", request), upload.answer)
        first = int(span["first"]) if span else 0
        exchange = Exchange(self.site, "PUT", {**request, "first": first})

        def take() -> Answer:
            place, kept = first, 0
            for chunk in self._incoming:
                part = chunk if exchange.keep is None else chunk[: max(0, exchange.keep - kept)]
                if part:
                    upload.take(part, place)
                place, kept = place + len(part), kept + len(part)
                if exchange.hang_up and exchange.keep is not None and kept >= exchange.keep:
                    break
            if exchange.hang_up:
                raise Dropped
            return upload.answer()

        return self.site.guard(exchange, take)

    def _get(self, path: str) -> Answer:
        if path.startswith(LOGS):
            self._authorize()
            return self.site.answer("kernels/logs/stream", {"kernel": path.removeprefix(LOGS)})
        if not path.startswith(FILES):
            raise Refused(404, "Not found")
        exchange = Exchange(self.site, "GET", {"path": path.removeprefix(FILES)})
        return self.site.guard(exchange, lambda: self.site.file(path.removeprefix(FILES)))

    def _authorize(self) -> None:
        wanted = base64.b64encode(f"{self.site.owner}:{self.site.key}".encode()).decode()
        if self.headers.get("Authorization") not in (f"Basic {wanted}", f"Bearer {self.site.token}"):
            raise Refused(401, "Unauthenticated")

    def _body(self) -> Iterator[bytes]:
        """The request's content, however it is framed."""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return
        left = int(self.headers.get("Content-Length", 0))
        while left:
            chunk = self.rfile.read(min(CHUNK, left))
            if not chunk:
                raise ConnectionError
            left -= len(chunk)
            yield chunk

    def _write(self, answer: Answer) -> None:
        if answer.file is not None:
            self._write_file(answer)
            return
        content = b"" if answer.body is None else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        if answer.body is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _write_file(self, answer: Answer) -> None:
        assert answer.file is not None
        code, headers, first, length = files.select(
            answer.file, self.headers.get("Range"), self.headers.get("If-Range")
        )
        self.send_response(code)
        for name, value in (headers | answer.headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        with answer.file.open("rb") as stream:
            stream.seek(first)
            left = length if answer.cut is None else min(length, answer.cut)
            while left and (chunk := stream.read(min(CHUNK, left))):
                self.wfile.write(chunk)
                left -= len(chunk)
        if answer.cut is not None:
            self._hang_up()

    def _escape(self, target: str) -> None:
        self.site.escapes.append(target)
        self.close_connection = True
        self._write(Answer(502, {"code": 502, "message": "This machine is offline."}))

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
