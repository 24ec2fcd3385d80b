"""Keys and tokens never reach a screen, a log or a file: here they are known, and taken out of texts.

A secret is recognised in whatever form it is printed: as it is, escaped as by `repr`, JSON, HTML or a URL
(once or often), in base64 and hex, in capitals, broken over lines or boxes, and cut off at either end.
"""

from __future__ import annotations

import base64
import html
import logging
import re
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

HIDDEN = "[hidden]"
LEAST = 8  # characters; shorter strings stand in too many places by chance
PIECE = 12  # characters in a row that give a secret away

_known: dict[str, frozenset[str]] = {}  # secret -> its telling pieces, see `_pieces`

# What is put between two characters when a text is quoted, broken or boxed.
_APART = r"\s'\"`\\|>\u2500-\u257f\x00-\x1f"
_BETWEEN = re.compile(f"[{_APART}]")
_UNIT = re.compile(  # one character escaped, or what stands between, or characters as they are
    r"(?P<url>%(?:25)*(?P<url_hex>[0-9a-fA-F]{2}))"
    r"|(?P<back>\\+(?:x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})|[abfnrtv0]))"
    r"|(?P<entity>&(?:amp;)*(?:\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});)"
    rf"|(?P<between>\x1b\[[0-9;]*[A-Za-z]|[{_APART}]+)"
    rf"|(?P<plain>[^%&{_APART}]+|.)",
    re.DOTALL,
)
# Base64's two alphabets are one here, and so are capitals and small letters.
_ALIKE = str.maketrans("-_", "+/")
# Secrets that nobody told us: in headers, in signed addresses, and before the host of an address.
_TELLTALE = (
    (re.compile(r"(?i)(authorization\W{1,6}(?:b\W)?(?:basic|bearer)\s+)[^\s'\",]+"), rf"\1{HIDDEN}"),
    (
        re.compile(r"(?i)([?&][\w.-]*(?:signature|token|credential|accessid|secret)=)[^&\s'\"]+"),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"(://[^/\s:@]+:)[^/\s@]+@"), rf"\1{HIDDEN}@"),
)


def register(secrets: Iterable[str]) -> None:
    """Make secrets known; those that are too short to be told from other text are passed over."""
    for secret in secrets:
        if secret.strip() not in _known and len(secret.strip()) >= LEAST:
            _known[secret.strip()] = _pieces(secret.strip())


def scrub(text: str) -> str:
    """`text` without any known secret, in whatever form it stands there."""
    for pattern, replacement in _TELLTALE:
        text = pattern.sub(replacement, text)
    if not _known:
        return text
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    plain, places = _plain(text)
    spans = sorted(
        (places[first][0], places[first + len(piece) - 1][1])
        for pieces in _known.values()
        for piece in pieces
        for first in _occurrences(plain, piece)
    )
    made, done = [], 0
    for first, last in spans:
        if first >= done:
            made += [text[done:first], HIDDEN]
        done = max(done, last)
    return "".join([*made, text[done:]])


def scrubbed(value: Any) -> Any:
    """A JSON-like value with every text in it scrubbed, keys included."""
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, dict):
        return {scrubbed(key): scrubbed(entry) for key, entry in value.items()}
    return [scrubbed(entry) for entry in value] if isinstance(value, list | tuple) else value


def disarm(error: BaseException) -> None:
    """Take secrets out of an exception and of all that caused it: texts, requests, and local variables.

    What is printed of it afterwards, with or without a traceback or the variables of its frames, holds none.
    """
    for each in _chain(error):
        each.args = tuple(_argument(argument) for argument in each.args)
        for name in (
            "filename",
            "filename2",
            "strerror",
            "reason",
            "object",
            "doc",
            "msg",
        ):  # of OSError, UnicodeError, JSON
            if isinstance(getattr(each, name, None), str):
                _set(each, name, scrub(getattr(each, name)))
        if hasattr(each, "__notes__"):
            each.__notes__ = [scrub(note) for note in each.__notes__]
        for name in ("request", "response"):  # of `requests`; they hold the header
            if getattr(each, name, None) is not None:
                _set(each, name, None)
        each.__traceback__ = None


class Scrubbed:
    """A text stream that writes nothing secret to the one below it; all else is that one's own."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, scrubbed."""
        self._stream.write(scrub(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write lines, scrubbed."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        if name == "buffer":  # the way round
            raise AttributeError(name)
        return getattr(self._stream, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._stream)


def guard() -> None:
    """From now on, let nothing secret out of this process by its output streams or by `logging`."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, Scrubbed):
            setattr(sys, name, Scrubbed(stream))
    if logging.getLogRecordFactory() is not _record:
        logging.setLogRecordFactory(_record)


def _record(*args: Any, **options: Any) -> logging.LogRecord:
    """A log record whose message and exception are scrubbed, whatever a handler does with it."""
    record = logging.LogRecord(*args, **options)
    try:
        message = record.getMessage()
    except Exception:  # a record whose parts do not fit must not stop what it tells of
        message = f"{record.msg} {record.args}"
    record.msg, record.args = scrub(message), ()
    if record.exc_info and record.exc_info[1] is not None:
        record.exc_text = scrub("".join(traceback.format_exception(*record.exc_info)).rstrip("\n"))
        record.exc_info = None
    if record.stack_info:
        record.stack_info = scrub(record.stack_info)
    return record


def _chain(error: BaseException) -> list[BaseException]:
    """The exception, and all that it comes from or holds."""
    found: list[BaseException] = []
    waiting: list[Any] = [error]
    while waiting:
        each = waiting.pop()
        if isinstance(each, BaseException) and not any(each is other for other in found):
            found.append(each)
            waiting += [each.__cause__, each.__context__, *each.args, *getattr(each, "exceptions", ())]
            waiting.append(getattr(each, "reason", None))  # of urllib3
    return found


def _argument(value: Any) -> Any:
    if isinstance(value, str):
        return scrub(value)
    if isinstance(value, bytes):
        text = value.decode("latin-1")
        return value if scrub(text) == text else HIDDEN.encode()
    if isinstance(value, int | float | BaseException | None):
        return value
    if isinstance(value, list | tuple):
        return type(value)(_argument(entry) for entry in value) if type(value) in (list, tuple) else HIDDEN
    return scrub(repr(value))


def _set(error: BaseException, name: str, value: Any) -> None:
    try:
        setattr(error, name, value)
    except (AttributeError, TypeError):
        return  # of one that cannot be changed, `args` were


def _pieces(secret: str) -> frozenset[str]:
    """What must stand nowhere: every run of `PIECE` characters of the secret's forms; short forms whole."""
    content = secret.encode("utf-8", "surrogatepass")
    forms = [secret, content.hex()]
    for before in range(3):  # whatever stands before it in what was encoded, such as a user's name
        whole = base64.b64encode(bytes(before) + content).decode()
        # The first and last characters depend on the neighbours, too.
        forms.append(whole[(0, 2, 3)[before] : len(whole) - (0, 3, 2)[(before + len(content)) % 3]])
    found = set()
    # A secret may look like an escape itself: it is read as one where it stands as it is, but not where all
    # of its characters are escaped.
    for plain in (_same(_without_between(secret)), *(_plain(form)[0] for form in forms)):
        if len(plain) >= LEAST:
            found |= {plain[first : first + PIECE] for first in range(max(1, len(plain) - PIECE + 1))}
    return frozenset(found)


def _plain(text: str) -> tuple[str, list[tuple[int, int]]]:
    """`text` unescaped, in bytes as characters, without what may stand between; and where each one stood."""
    plain: list[str] = []
    places: list[tuple[int, int]] = []
    for unit in _UNIT.finditer(text):
        first, last = unit.span()
        if not unit["plain"]:
            pieces = [(_unescaped(unit), (first, last))]
        elif unit["plain"].isascii():
            plain.append(unit["plain"])
            places += ((place, place + 1) for place in range(first, last))
            continue
        else:
            pieces = [
                (_without_between(each), (first + place, first + place + 1))
                for place, each in enumerate(unit["plain"])
            ]
        for content, span in pieces:
            plain.append(content)
            places += [span] * len(content)
    return _same("".join(plain)), places


def _unescaped(unit: re.Match[str]) -> str:
    """What an escape stands for, as `_without_between` gives it; "" for what stands between."""
    if unit["between"]:
        return ""
    if unit["entity"]:
        return _without_between(html.unescape(re.sub(r"&(?:amp;)+(?=[#\w])", "&", unit["entity"])))
    digits = unit["url_hex"] or unit["x"] or unit["u"] or unit["U"] or "0a"  # the rest are white space
    code = int(digits, 16)
    if unit["url"] or unit["x"]:
        return "" if _BETWEEN.match(chr(code)) else chr(code)  # a byte
    return _without_between(chr(code)) if code <= sys.maxunicode else ""


def _without_between(text: str) -> str:
    """In bytes as characters, without those that may stand between two others."""
    kept = "".join(each for each in text if not _BETWEEN.match(each))
    return kept.encode("utf-8", "surrogatepass").decode("latin-1")


def _same(text: str) -> str:
    return text.lower().translate(_ALIKE)


def _occurrences(text: str, piece: str) -> Iterator[int]:
    place = text.find(piece)
    while place >= 0:
        yield place
        place = text.find(piece, place + 1)
