from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from web_site import Reply, Site

from foldship.config.documents import Documents, Timeouts
from foldship.documents.wire import Answer, BrokenError, RefusedError, TooLargeError, connect, user_agent

QUICK = Documents(timeouts=Timeouts(connect_s=5, read_s=0.3, total_s=5), megabytes=0.5)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        yield made


def ask(url: str, settings: Documents = QUICK, form: dict[str, str] | None = None) -> Answer:
    async def run() -> Answer:
        async with connect(settings) as wire:
            return await wire.ask(url, form)

    return asyncio.run(run())


def test_an_answer_as_it_came(site: Site) -> None:
    site.replies["/a"] = [Reply(503, b"\x00\xff", {"Content-Type": "text/x; y", "Retry-After": "7"})]
    assert ask(site.url("/a")) == Answer(site.url("/a"), 503, "text/x; y", b"\x00\xff", None, "7")


def test_who_asks_is_told(site: Site) -> None:
    ask(site.url("/a"), Documents(contact="me@example.org"))
    assert site.asked[0].headers["user-agent"] == user_agent("me@example.org")
    assert user_agent("me@example.org") == f"{user_agent(None)} (+me@example.org)"


def test_a_form_is_posted(site: Site) -> None:
    ask(site.url("/a"), form={"id": "1,2", "tool": "foldship"})
    assert site.asked[0].form == {"id": "1,2", "tool": "foldship"}


def test_a_redirect_is_not_followed_here(site: Site) -> None:
    site.replies["/a"] = [Reply(302, headers={"Location": "/b"})]
    assert ask(site.url("/a")).location == "/b"
    assert site.count() == {"/a": 1}


def test_a_packed_answer_is_unpacked(site: Site) -> None:
    site.replies["/a"] = [Reply(200, gzip.compress(b"text" * 100), {"Content-Encoding": "gzip"})]
    assert ask(site.url("/a")).body == b"text" * 100


@pytest.mark.parametrize(
    "reply",
    [
        Reply(hang=True),
        Reply(drop=True),
        Reply(200, b"half", announce=4000),
        Reply(200, b"no gzip", {"Content-Encoding": "gzip"}),
    ],
    ids=["silent", "closed at once", "closed in the middle", "badly packed"],
)
def test_no_whole_answer(site: Site, reply: Reply) -> None:
    site.replies["/a"] = [reply]
    with pytest.raises(BrokenError, match=r"\S"):
        ask(site.url("/a"))


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(BrokenError, match=r"\S"):
            ask(f"http://127.0.0.1:{free.getsockname()[1]}/a")


@pytest.mark.parametrize(
    "reply",
    [Reply(200, b"x" * 600_000), Reply(200, gzip.compress(b"x" * 50_000_000), {"Content-Encoding": "gzip"})],
    ids=["long", "packed"],
)
def test_a_body_that_is_too_large(site: Site, reply: Reply) -> None:
    site.replies["/a"] = [reply]
    with pytest.raises(TooLargeError, match=r"more than 0\.5 MB"):
        ask(site.url("/a"))


@pytest.mark.parametrize("url", ["http://", "http://a..b/", f"http://{'x' * 80}.example/"])
def test_what_cannot_be_asked(url: str) -> None:
    with pytest.raises((RefusedError, BrokenError)):
        ask(url)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -keyout key.pem -out cert.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)

    async def run() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
        server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=context)
        async with server, connect(QUICK) as wire:
            await wire.ask(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/a")

    with pytest.raises(RefusedError, match="certificate"):
        asyncio.run(run())
