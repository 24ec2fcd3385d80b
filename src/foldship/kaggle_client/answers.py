"""What Kaggle answered, in plain words, with what to do about it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import requests

from foldship import secrets
from foldship_kernel.errors import FoldshipError

MOST_WORDS = 1000  # characters of an answer that are shown
# Where an answer's own words stand, the best place first.
_PLACES = ("message", "errorMessage", "error_description", "detail", "details", "errors", "title", "error")
_UNSEEN = ("script", "style", "head")  # elements of a page whose text nobody reads
AGAIN = "run the same command again; it goes on where it stopped"


class KaggleError(FoldshipError):
    """Kaggle refused, or could not be reached; whatever it is told, it holds no secret.

    Args:
        what, expected, found, fix: as of `FoldshipError`.
        status: of the HTTP answer; None without one.
    """

    def __init__(
        self, what: str, *, expected: str = "", found: str = "", fix: str = "", status: int | None = None
    ) -> None:
        super().__init__(
            secrets.scrub(what),
            expected=secrets.scrub(expected),
            found=secrets.scrub(found),
            fix=secrets.scrub(fix),
        )
        self.status = status


class AnswerLostError(KaggleError):
    """The request may have been carried out: no answer came, or one that says nothing about it."""


# Part of Kaggle's message, in lower case -> what it comes to. The first that fits counts.
_REMEDIES = (
    ("batch gpu session count", "wait for your running GPU kernels to end, or cancel one on kaggle.com/code"),
    ("session count", "wait for your running kernels to end, or cancel one on kaggle.com/code"),
    (
        "storage",
        "delete datasets or versions that you no longer need: kaggle.com/settings shows what is used",
    ),
    ("quota", "wait for the weekly reset (see `kaggle quota`), or set accelerator: cpu in kernel.yaml"),
    (
        "rules",
        "accept the rules on the competition's page on Kaggle, signed in as the same user",
    ),
    ("phone", "verify the account with a telephone number: kaggle.com/settings"),
    ("verif", "verify the account: kaggle.com/settings"),
    ("daily", "wait for the next day (UTC), or pick a final submission among those made"),
    ("submission limit", "wait for the next day (UTC), or pick a final submission among those made"),
    ("already in use", "choose another title in kernel.yaml and bundle again"),
    ("conflict", "another push to it is under way: wait for that, then run the same command again"),
)
_STATUSES = {
    400: "read the message above; `foldship doctor` checks names, sizes and settings",
    401: "make a new token on kaggle.com/settings and put it where the old one is",
    403: "check that the name in the metadata is your own, the competition's rules are accepted and the "
    "account is verified",
    404: "check owner and slug in the metadata: a private item of another user looks as if it were missing",
    409: "another push to it is under way, or the name is taken: wait and run the same command again, or "
    "choose another title in kernel.yaml",
    413: "make the upload smaller, or split it: dataset_limit_gib in kernel.yaml",
    429: "Kaggle asks for fewer calls: wait some minutes, then run the same command again",
}


def remedy(message: str, status: int | None) -> str:
    """What to do about a message of Kaggle's that came with an HTTP status (None: without one)."""
    lower = message.lower()
    for part, fix in _REMEDIES:
        if part in lower:
            return fix
    if status is not None and status in _STATUSES:
        return _STATUSES[status]
    return f"look at https://www.kaggle.com and its status page; then {AGAIN}"


def status_of(response: requests.Response) -> int:
    """The answer's status; where HTTP says that all is well, that of an error in its body."""
    code = _error(response).get("code") if response.status_code < 400 else None
    return code if isinstance(code, int) else response.status_code


def message_of(response: requests.Response) -> str:
    """Kaggle's own words on an error, `MOST_WORDS` characters of them, without secrets or markup; else ""."""
    error = _error(response)
    for place in _PLACES:
        if words := _words(error.get(place)):
            break
    else:
        words = "" if error else _text(response)
    words = secrets.scrub(" ".join(words.split()))
    return words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]} ..."


def _error(response: requests.Response) -> dict[str, Any]:
    """The error in the body: an object of its own, or the whole body, or only its text."""
    try:
        value = response.json()
    except (
        ValueError,
        RuntimeError,
        requests.RequestException,
    ):  # no JSON; or the body was read, or broke off
        return {}
    if isinstance(value, list | str):
        return {"message": value}
    if not isinstance(value, dict):
        return {}
    error = value.get("error")
    return {**value, **error} if isinstance(error, dict) else value


def _words(value: Any) -> str:
    """The texts of a JSON-like value, joined."""
    if isinstance(value, dict):
        return next(filter(None, (_words(value.get(place)) for place in _PLACES)), "")
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words, value)))
    return value.strip() if isinstance(value, str) else ""


def _text(response: requests.Response) -> str:
    """The text of a body that is no JSON, such as the page of a proxy; "" of one that is no text."""
    try:
        body = response.text
    except (RuntimeError, requests.RequestException):
        return ""
    if "\x00" in body[:MOST_WORDS]:
        return ""
    if not re.search(r"<[a-zA-Z!/]", body):
        return body
    page = _Page()
    page.feed(body)
    page.close()
    return " ".join(page.texts)


class _Page(HTMLParser):
    """Gathers the texts of a page that people see."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]

    def handle_data(self, data: str) -> None:
        if not self._unseen and data.strip():
            self.texts.append(data.strip())
