"""One request and its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

import aiohttp

import foldship_kernel
from foldship.config.documents import Documents

_PIECE = 1 << 16  # bytes
_ACCEPT = "text/html, application/xhtml+xml, application/xml;q=0.9, text/plain;q=0.8, */*;q=0.5"


@dataclass(frozen=True)
class Answer:
    """What a server said.

    Attributes:
        address: that was asked.
        status: HTTP's (RFC 9110, section 15).
        kind: content type with its parameters, empty if none was told.
        body: unpacked.
        location: where a redirect leads, absolute or not.
        retry_after: the header of that name.
    """

    address: str
    status: int
    kind: str = ""
    body: bytes = b""
    location: str | None = None
    retry_after: str | None = None


class BrokenError(Exception):
    """No whole answer came; that may pass."""


class RefusedError(Exception):
    """The answer cannot be used, now or later."""


class TooLargeError(RefusedError):
    """The answer holds more than it may."""


class Wire(Protocol):
    """What carries a request to its server."""

    async def ask(self, address: str, form: Mapping[str, str] | None = None) -> Answer:
        """Send one request, a POST where there is a form, and follow no redirect.

        Raises:
            BrokenError: no whole answer came, in time.
            RefusedError: it is too large, or the address cannot be asked.
        """


def user_agent(contact: str | None) -> str:
    """Who asks (RFC 9110, section 10.1.5)."""
    name = f"foldship/{foldship_kernel.__version__}"
    return f"{name} (+{contact})" if contact else name


@asynccontextmanager
async def connect(settings: Documents) -> AsyncIterator[Wire]:
    """Open the connections of a run."""
    timeouts = settings.timeouts
    async with aiohttp.ClientSession(
        # How many there may be is for the hosts to say.
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": user_agent(settings.contact), "Accept": _ACCEPT},
        timeout=aiohttp.ClientTimeout(
            total=timeouts.total_s, sock_connect=timeouts.connect_s, sock_read=timeouts.read_s
        ),
        trust_env=True,
    ) as session:
        yield _Connections(session, int(settings.megabytes * 1e6))


class _Connections:
    def __init__(self, session: aiohttp.ClientSession, most: int) -> None:
        self._session = session
        self._most = most  # bytes

    async def ask(self, address: str, form: Mapping[str, str] | None = None) -> Answer:
        method = "GET" if form is None else "POST"
        try:
            async with self._session.request(method, address, data=form, allow_redirects=False) as answer:
                return Answer(
                    address,
                    answer.status,
                    answer.headers.get("Content-Type", ""),
                    await self._body(answer),
                    answer.headers.get("Location"),
                    answer.headers.get("Retry-After"),
                )
        except aiohttp.ClientConnectorCertificateError as error:
            raise RefusedError(f"its certificate is not to be trusted: {error.certificate_error}") from error
        except ValueError as error:  # which aiohttp's error for addresses is, too
            raise RefusedError(f"no address that can be asked: {error}") from error
        except TimeoutError as error:
            raise BrokenError("no answer in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenError(str(error) or type(error).__name__) from error

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        body = bytearray()
        async for piece in answer.content.iter_chunked(_PIECE):
            body += piece
            if len(body) > self._most:
                raise TooLargeError(f"more than {self._most / 1e6:g} MB")
        return bytes(body)
