"""Signing in with tokens as people have them, on the stand-in site; no secret is ever shown."""

from __future__ import annotations

import base64
import io
import logging
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import push_stage
import pytest
from kaggle_site import Site, faults

from foldship import secrets
from foldship.kaggle_client import competitions
from foldship.kaggle_client.answers import KaggleError
from foldship.kaggle_client.connection import Connection
from foldship.kaggle_client.retry import Patience

TOKEN = "KGAT_0123456789abcdef-of_nobody"
QUOTA = "GetAcceleratorQuotaStatistics"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with Site(tmp_path, token=TOKEN) as site:
        push_stage.lead_to(site, monkeypatch)
        yield site
    assert not site.escapes


@pytest.fixture
def by_token(site: Site, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Leaves a token as the only credential."""

    def leave(token: str) -> None:
        for name in ("KAGGLE_USERNAME", "KAGGLE_KEY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("KAGGLE_API_TOKEN", token)

    return leave


def connect() -> tuple[Connection, list[str]]:
    said: list[str] = []
    return Connection(said.append, Patience(attempts=2, sleep=lambda _: None)), said


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "  \t\n", "\u00a0"])
def test_a_token_with_a_line_end_signs_in(site: Site, by_token: Callable[[str], None], end: str) -> None:
    by_token(TOKEN + end)
    connection, _ = connect()
    assert connection.owner == site.owner
    assert competitions.gpu_quota(connection) is not None


@pytest.mark.parametrize("end", ["\n", " "])
def test_a_key_with_a_line_end_signs_in(site: Site, monkeypatch: pytest.MonkeyPatch, end: str) -> None:
    monkeypatch.setenv("KAGGLE_KEY", site.key + end)
    monkeypatch.setenv("KAGGLE_USERNAME", site.owner + end)
    connection, _ = connect()
    assert connection.owner == site.owner
    assert competitions.gpu_quota(connection) is not None


def test_a_token_in_a_file_may_have_a_line_end(
    site: Site, by_token: Callable[[str], None], tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN + "\n")
    by_token(str(tmp_path / "token"))
    assert connect()[0].owner == site.owner


@pytest.mark.parametrize(
    "token",
    [
        f"{TOKEN}\n{TOKEN}",  # a line end within
        f"\u201c{TOKEN}\u201d",  # quotes of a word processor
        TOKEN * 20,  # longer than a file's name may be
        f"{TOKEN}-revoked",
    ],
)
def test_no_token_is_shown_however_it_fails(
    site: Site, by_token: Callable[[str], None], token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_token(token)
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    with pytest.raises(KaggleError) as caught:
        connect()
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    told.stack[:] = [frame for frame in told.stack if frame.filename != __file__]  # which knows it
    text = "".join(told.format()) + screen.getvalue()
    for form in (token, TOKEN, repr(token), base64.b64encode(TOKEN.encode()).decode()[:-4]):
        assert form not in text
    assert "KAGGLE_API_TOKEN" in caught.value.what and "token" in caught.value.fix


def test_what_the_client_says_is_told_once_and_without_secrets(
    site: Site, by_token: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kaggle.api.kaggle_api_extended import KaggleApi

    by_token(TOKEN)
    monkeypatch.setattr(KaggleApi, "args", [*KaggleApi.args, "--verbose"])  # it prints its requests' headers
    connection, said = connect()
    competitions.gpu_quota(connection)
    competitions.gpu_quota(connection)
    lines = [line for line in said if "Authorization: Bearer" in line]
    assert len(lines) == 1 and secrets.HIDDEN in lines[0]
    assert TOKEN not in "\n".join(said)


@pytest.mark.parametrize("wish", ["nan", "-1", "inf", "", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 400])
def test_no_wish_to_wait_breaks_a_call(site: Site, wish: str) -> None:
    connection, said = connect()
    site.fail(QUOTA, faults.status(429, retry_after=wish))
    assert competitions.gpu_quota(connection) is not None
    assert "trying again" in said[-1]


def test_kaggles_own_words_are_in_the_error(site: Site) -> None:
    connection, _ = connect()
    site.fail(QUOTA, faults.status(403, "The very words of Kaggle"))
    with pytest.raises(KaggleError, match="403: The very words of Kaggle"):
        connection.ask("tell", lambda _: connection.api.quota_view())


def test_a_logged_request_shows_no_token(
    site: Site, by_token: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_token(TOKEN)
    connect()
    screen, factory = io.StringIO(), logging.getLogRecordFactory()
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    try:
        secrets.guard()
        logger = logging.Logger("client", logging.DEBUG)
        logger.addHandler(logging.StreamHandler(screen))
        logger.debug("header: %s", {"Authorization": f"Bearer {TOKEN}"})
    finally:
        logging.setLogRecordFactory(factory)
    assert "Authorization" in screen.getvalue() and TOKEN not in screen.getvalue()
