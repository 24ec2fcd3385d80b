from __future__ import annotations

import json

import pytest
import requests

from foldship import secrets
from foldship.kaggle_client.answers import MOST_WORDS, KaggleError, message_of, remedy


@pytest.mark.parametrize(
    ("message", "status", "part"),
    [
        ("Maximum batch GPU session count of 2 reached.", None, "running GPU kernels"),
        ("You have exceeded your weekly GPU quota", None, "weekly reset"),
        ("Private storage quota exceeded", 403, "delete datasets"),
        ("You must accept this competition's rules before you'll be able to submit", 403, "accept the rules"),
        ("Phone verification is required", 403, "telephone"),
        ("The requested title is already in use by a dataset", None, "another title"),
        ("", 401, "new token"),
        ("Forbidden", 403, "your own"),
        ("Conflict", 409, "under way"),
        ("Payload Too Large", 413, "dataset_limit_gib"),
        ("Something new", 418, "status page"),
    ],
)
def test_every_answer_has_a_remedy(message: str, status: int | None, part: str) -> None:
    assert part in remedy(message, status)


def answer(body: str | bytes, kind: str = "application/json") -> requests.Response:
    response = requests.Response()
    response.status_code = 400
    response._content = body if isinstance(body, bytes) else body.encode()
    response.headers["Content-Type"] = kind
    response.encoding = "utf-8"
    return response


WORDS = "The very words of Kaggle"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 400, "message": WORDS}},
        {"code": 400, "message": WORDS},
        {"error": WORDS},
        {"error": "invalid_grant", "error_description": WORDS},
        {"errorMessage": WORDS},
        {"error": {"code": 400, "details": [{"detail": WORDS}]}},
        {"errors": [WORDS]},
        {"title": WORDS, "status": 400},
        WORDS,
        [WORDS],
    ],
)
def test_kaggles_own_words_are_found_wherever_they_stand(body: object) -> None:
    assert message_of(answer(json.dumps(body))) == WORDS


def test_a_page_is_trimmed_to_its_text() -> None:
    page = f"""<!DOCTYPE html><html><head><title>Error</title><style>p {{ x }}</style></head>
        <body><script>if (a < b) {{}}</script><h1>502</h1> <p>{WORDS} &amp;   more</p></body></html>"""
    assert message_of(answer(page, "text/html")) == f"502 {WORDS} & more"
    assert message_of(answer(WORDS, "text/plain")) == WORDS
    assert message_of(answer(b"PK\x00\x01", "application/zip")) == ""
    assert message_of(answer("")) == ""


def test_long_words_are_shown_as_far_as_they_matter() -> None:
    shown = message_of(answer(json.dumps({"message": "word " * 1000})))
    assert 500 <= MOST_WORDS < len(shown) <= MOST_WORDS + 4 and shown.endswith(" ...")


def test_an_error_holds_no_secret() -> None:
    token = "KGAT_made-up-for-this-test"
    secrets.register([token])
    error = KaggleError(f"a {token}", expected=token, found=repr(f"{token}\n"), fix=f"not {token}")
    assert token not in f"{error} {error!r} {error.args} {vars(error)}"
    assert token not in message_of(answer(json.dumps({"message": f"no such token {token}"})))
