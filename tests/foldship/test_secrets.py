"""Random keys and tokens, in every form and by every exit; all are made up."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
import pprint
import string
import sys
import traceback
import urllib.parse
from collections.abc import Callable, Iterator

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from foldship import secrets

TOKENS = st.text(
    string.ascii_letters + string.digits + "_-.~+/=%&<>'\"\\:;!?", min_size=16, max_size=60
).filter(lambda token: sum(character.isalnum() for character in token) >= 12)
PLACES = st.integers(0, 60)

# How a secret may be spelt where it is printed.
FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "with a line end": lambda token: f"{token}\n",
    "repr": lambda token: repr(f"Bearer {token}\n"),
    "bytes": lambda token: repr(f"Bearer {token}\r\n".encode()),
    "JSON": lambda token: json.dumps({"token": token}),
    "JSON within JSON": lambda token: json.dumps(json.dumps({"token": token})),
    "JSON with escaped slashes": lambda token: json.dumps(token).replace("/", "\\/"),
    "URL": lambda token: urllib.parse.quote(token, safe=""),
    "URL, small letters": lambda token: urllib.parse.quote(token, safe="").replace("%2F", "%2f"),
    "query": lambda token: urllib.parse.urlencode({"key": token}),
    "URL within a URL": lambda token: urllib.parse.quote(urllib.parse.quote(token, safe=""), safe=""),
    "every character by its number": lambda token: "".join(f"%{ord(each):02x}" for each in token),
    "HTML": html.escape,
    "HTML by numbers": lambda token: "".join(f"&#{ord(each)};" for each in token),
    "HTML by hex": lambda token: "".join(f"&#x{ord(each):x};" for each in token),
    "unicode escapes": lambda token: "".join(f"\\u{ord(each):04x}" for each in token),
    "hex escapes": lambda token: "".join(f"\\x{ord(each):02x}" for each in token),
    "basic authorization": lambda token: base64.b64encode(f"someone:{token}".encode()).decode(),
    "of a shorter name": lambda token: base64.b64encode(f"me:{token}\n".encode()).decode(),
    "base64": lambda token: base64.b64encode(token.encode()).decode(),
    "base64 for URLs": lambda token: base64.urlsafe_b64encode(f"ab{token}".encode()).decode().rstrip("="),
    "base64 in lines": lambda token: base64.encodebytes(f"x:{token * 3}".encode()).decode(),
    "hex": lambda token: token.encode().hex().upper(),
    "capitals": str.upper,
    "printed prettily": lambda token: pprint.pformat({"headers": {"a": token}}, width=20),
}


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test knows its own secrets alone."""
    monkeypatch.setattr(secrets, "_known", {})
    yield


def shows(text: str, token: str) -> bool:
    """Whether any run of twelve of the token's letters and digits is left, however spelt."""

    def bare(string_: str) -> str:
        return "".join(each for each in string_ if each.isalnum()).lower()

    forms = {bare(token), bare(html.unescape(token)), bare(base64.b64encode(token.encode()).decode())}
    left = {bare(text), bare(urllib.parse.unquote(urllib.parse.unquote(text))), bare(html.unescape(text))}
    return any(
        form[place : place + 12] in found
        for form in forms
        for found in left
        for place in range(max(1, len(form) - 11))
        if len(form) >= 12
    )


def learn(token: str) -> None:
    secrets._known.clear()
    secrets.register([token])


@pytest.mark.parametrize("form", FORMS)
@settings(deadline=None, max_examples=40, derandomize=True)
@given(TOKENS)
def test_no_form_of_a_secret_is_left(form: str, token: str) -> None:
    learn(token)
    printed = f"before {FORMS[form](token)} after"
    found = secrets.scrub(printed)
    assert secrets.HIDDEN in found and not shows(found, token), found
    assert found.startswith("before ") and found.endswith(" after")
    assert secrets.scrub(found) == found


@settings(deadline=None, max_examples=200, derandomize=True)
@given(
    TOKENS, PLACES, st.sampled_from(["\n", "\r\n    ", " │\n│ ", "'\n '", "\\\n", "\x1b[0m\n\x1b[31m", " | "])
)
def test_a_secret_that_is_broken_over_lines_is_one(token: str, place: int, between: str) -> None:
    learn(token)
    found = secrets.scrub(f"│ {token[:place]}{between}{token[place:]} │")
    assert secrets.HIDDEN in found and not shows(found, token), found


@settings(deadline=None, max_examples=100, derandomize=True)
@given(TOKENS, st.integers(14, 40))
def test_what_is_cut_off_is_a_secret_still(token: str, kept: int) -> None:
    learn(token)
    for part in (token[:kept], token[-kept:]):
        assert not shows(secrets.scrub(f"...{part}..."), token)


@settings(deadline=None, max_examples=200, derandomize=True)
@given(st.text(max_size=200))
def test_all_else_stays_as_it_is(text: str) -> None:
    learn("KGAT_4f1c-of-a-made-up-account")
    assert secrets.scrub(text) == text


def test_short_strings_are_no_secrets() -> None:
    secrets.register(["", "  ", "a", "1234567", "'''''''''''''"])
    assert secrets.scrub("a 1234567") == "a 1234567"


def test_what_is_plainly_a_secret_is_hidden_although_nobody_told() -> None:
    for text, kept in (
        ("{'Authorization': 'Bearer abcdef'}", "Authorization"),
        ("Authorization: Basic bWU6eA==", "Basic"),
        ("https://storage/x?X-Goog-Signature=abc&name=y", "name=y"),
        ("proxy http://me:password@host:80", "host:80"),
    ):
        found = secrets.scrub(text)
        assert secrets.HIDDEN in found and kept in found
        assert not any(word in found for word in ("abcdef", "bWU6", "abc&", "password"))


# By which ways a text may leave the program.
@settings(deadline=None, max_examples=50, derandomize=True)
@given(TOKENS)
def test_nothing_secret_leaves_by_streams_or_logs(token: str) -> None:
    learn(token)
    screen, factory = io.StringIO(), logging.getLogRecordFactory()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", screen)
        patch.setattr(sys, "stderr", screen)
        try:
            secrets.guard()
            secrets.guard()  # twice does no harm
            handler = logging.StreamHandler(screen)  # one that knows the stream below
            logger = logging.Logger("made-up")
            logger.addHandler(handler)
            print("printed", token, file=sys.stderr)
            sys.stdout.writelines([f"written {token}\n"])
            logger.warning("logged %s %r", token, {"key": token})
            logger.warning("parts that do not fit: %d", token)
            try:
                raise requests.ConnectionError(f"https://me:{token}@host")
            except requests.ConnectionError:
                logger.exception("failed with %s", token)
                traceback.print_exc()
        finally:
            logging.setLogRecordFactory(factory)
    text = screen.getvalue()
    assert not shows(text, token)
    assert all(
        word in text
        for word in ("printed", "written", "logged", "do not fit", "failed with", "ConnectionError")
    )


def test_a_guarded_stream_is_the_one_below_it_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    below = io.StringIO()
    stream = secrets.Scrubbed(below)
    assert stream.write("four") == 4 and stream.getvalue() == "four" and not stream.isatty()
    assert not hasattr(stream, "buffer")  # nobody gets round it


class HeldError(Exception):
    """An exception with the request that it is about."""

    def __init__(self, text: str, request: object) -> None:
        super().__init__(text, [text, {"nested": text}], text.encode())
        self.request = request


@settings(deadline=None, max_examples=50, derandomize=True)
@given(TOKENS)
def test_an_exception_and_all_that_caused_it_are_disarmed(token: str) -> None:
    learn(token)
    request = requests.Request("POST", f"http://localhost/?key={token}").prepare()
    request.headers["Authorization"] = f"Bearer {token}"

    def fail() -> None:
        local = token  # as a frame of the client holds it
        try:
            try:
                raise OSError(36, "File name too long", local)
            except OSError:
                raise UnicodeEncodeError("latin-1", f"Bearer {local}", 0, 1, f"not {local}") from None
        except UnicodeEncodeError as error:
            error.add_note(f"while sending {local}")
            raise HeldError(f"Invalid header value: 'Bearer {local}\n'", request) from error

    try:
        fail()
    except HeldError as error:
        secrets.disarm(error)
        shown = traceback.TracebackException.from_exception(error, capture_locals=True)
        text = "".join(shown.format(chain=True)) + repr(error.args) + repr(vars(error))
        assert "Invalid header value" in text
        assert not shows(text, token), text
        cause: BaseException | None = error.__cause__
        while cause is not None:
            assert not shows(f"{cause} {cause!r} {cause.args} {vars(cause)}", token)
            cause = cause.__cause__ or cause.__context__


def test_values_are_scrubbed_all_through() -> None:
    token = "KGAT_of-a-made-up-account"
    secrets.register([token])
    found = secrets.scrubbed({"a": [token, 1, None, (token,)], token: True})
    assert token not in json.dumps(found)
    assert found["a"][1:3] == [1, None]
