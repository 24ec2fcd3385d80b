"""A web site on a loopback port that answers as a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from urllib.parse import parse_qsl

REASONS = {200: "OK", 301: "Moved", 302: "Found", 404: "Not Found", 503: "Busy"}


@dataclass(frozen=True)
class Reply:
    """One answer.

    Attributes:
        delay_s: before it.
        announce: Content-Length that is told; that of the body if None.
        drop: closes the connection without a word.
        hang: says nothing until the client leaves.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    announce: int | None = None
    drop: bool = False
    hang: bool = False


@dataclass(frozen=True)
class Asked:
    """One request; `form` is what was posted."""

    path: str
    headers: dict[str, str]
    form: dict[str, str]


NOT_THERE = Reply(404)
Answering = Callable[[Asked], Reply]


def page(text: str, **more: object) -> Reply:
    """A small page."""
    body = f"<html><head><title>{text}</title></head><body><p>Text of {text}.</p></body></html>".encode()
    return Reply(200, body, {"Content-Type": "text/html; charset=utf-8"}, **more)  # type: ignore[arg-type]


class Site:
    """The site: a context manager that serves in a thread of its own.

    Attributes:
        replies: by path, one after another, the last one for ever; or a function.
        asked: all requests.
        at_once: the most that were being answered at the same time.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.replies: dict[str, list[Reply] | Answering] = {}
        self.asked: list[Asked] = []
        self.at_once = 0
        self._host, self._port, self._now = host, 0, 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def name(self) -> str:
        return f"{self._host}:{self._port}"

    def url(self, path: str) -> str:
        return f"http://{self.name}{path}"

    def count(self) -> Counter[str]:
        """Requests by path."""
        return Counter(asked.path for asked in self.asked)

    def __enter__(self) -> Site:
        self._thread.start()
        serving = asyncio.start_server(self._connection, self._host, 0, backlog=512)
        server = asyncio.run_coroutine_threadsafe(serving, self._loop).result()
        self._port = server.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        async def end() -> None:
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        posted = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        asked = Asked(first.split()[1], headers, dict(parse_qsl(posted)))
        self.asked.append(asked)
        self._now += 1
        self.at_once = max(self.at_once, self._now)
        try:
            reply = self._reply(asked)
            if reply.hang:
                await reader.read()
            await asyncio.sleep(reply.delay_s)
            if reply.drop or reply.hang:
                return False
            length = len(reply.body) if reply.announce is None else reply.announce
            told = {"Content-Length": str(length), **reply.headers}
            lines = [f"HTTP/1.1 {reply.status} {REASONS.get(reply.status, 'Other')}"]
            lines += [f"{name}: {value}" for name, value in told.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode() + reply.body)
            await writer.drain()
            return length == len(reply.body)
        finally:
            self._now -= 1

    def _reply(self, asked: Asked) -> Reply:
        replies = self.replies.get(asked.path, [NOT_THERE])
        if callable(replies):
            return replies(asked)
        return replies.pop(0) if len(replies) > 1 else replies[0]
