"""The fields of one record of delimited text, well formed or not."""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from foldship_kernel.magic import Layout

BACKSLASH = "\\"
MOST_QUOTES = 10_000  # in a text in which each quote is tried as the last of a field


@dataclass(frozen=True)
class Dialect:
    """How fields are divided."""

    layout: Layout

    def __post_init__(self) -> None:
        csv.field_size_limit(sys.maxsize)  # the default refuses texts above 131,072 characters

    @cached_property
    def _starts(self) -> dict[int, re.Pattern[str]]:
        return {}

    @cached_property
    def _field(self) -> str:
        """Pattern of a well-formed field."""
        mark = re.escape(self.layout.delimiter)
        return rf'{" ?" if self.layout.spaced else ""}(?:"[^"]*+(?:""[^"]*+)*+"|[^"{mark}\r\n]*+)'

    @cached_property
    def _clean(self) -> re.Pattern[str]:
        return re.compile(f"{self._field}(?:{re.escape(self.layout.delimiter)}{self._field})*+")

    @cached_property
    def _closed(self) -> re.Pattern[str]:
        """A field whose quotes end before a delimiter or at the end, or one without quotes."""
        mark = re.escape(self.layout.delimiter)
        return re.compile(rf'\s*"(.*?)"\s*(?:{mark}|\Z)|([^{mark}]*)(?:{mark}|\Z)', re.DOTALL)

    def reader(self, lines: Iterable[str], *, strict: bool, escape: str | None = None) -> Iterable[list[str]]:
        return csv.reader(
            lines,
            strict=strict,
            delimiter=self.layout.delimiter,
            skipinitialspace=self.layout.spaced,
            escapechar=escape,
        )

    def alone(self, line: str) -> list[str] | None:
        """The fields of a line that is a well-formed record by itself; None if it is not."""
        body = line.rstrip("\r\n")
        if '"' not in body:
            return self.plain(body)
        return next(iter(self.reader([body], strict=False)), []) if self._clean.fullmatch(body) else None

    def begun(self, line: str) -> int:
        """How many fields a line has before one that is quoted and goes on below; 0 where none does."""
        found = self._begun.fullmatch(line)
        return len(self.alone(found[1]) or ()) if found else 0

    @cached_property
    def _begun(self) -> re.Pattern[str]:
        mark = re.escape(self.layout.delimiter)
        return re.compile(rf'({self._field}(?:{mark}{self._field})*){mark}\s*"[^"]*+(?:""[^"]*+)*+')

    def plain(self, body: str) -> list[str]:
        """What stands between the delimiters, whatever the quotes."""
        fields = body.split(self.layout.delimiter)
        return [field.removeprefix(" ") for field in fields] if self.layout.spaced else fields

    def start(self, line: str, place: int) -> str | None:
        """The field at a place of a line, if it is seen to be whole; None where it is not.

        Args:
            line: which may be the first of a record of several.
            place: of the field; only of the first one a record may go on over further lines.
        """
        found = self._to(place).match(line)
        return unquoted(found[1]) if found else None

    def _to(self, place: int) -> re.Pattern[str]:
        """Well-formed fields up to the one at a place; of the first one it must be seen where it ends."""
        if place not in self._starts:
            mark = re.escape(self.layout.delimiter)
            end = rf"{mark}|[\r\n]*\Z" if place else mark
            self._starts[place] = re.compile(f"(?:{self._field}{mark}){{{place}}}({self._field})(?:{end})")
        return self._starts[place]

    def ways(self, text: str) -> Iterable[list[str]]:
        """The fields of a record's text in each way that they may be meant, the likeliest first."""
        lines = list(io.StringIO(text, newline=""))
        yield _joined(self.reader(lines, strict=False))
        if text.count('"') <= MOST_QUOTES:
            yield self._by_closing_quotes(text)
        if BACKSLASH in text:
            yield _joined(self.reader(lines, strict=False, escape=BACKSLASH))
        yield [unquoted(field) for field in self.plain(text)]

    def _by_closing_quotes(self, text: str) -> list[str]:
        fields: list[str] = []
        place = 0
        while True:
            found = self._closed.match(text, place)
            if found is None:  # cannot be: the second form matches anywhere
                return [*fields, text[place:]]
            quoted, bare = found.groups()
            fields.append(bare if quoted is None else quoted.replace('""', '"'))
            place = found.end()
            if place == len(text) and not found[0].endswith(self.layout.delimiter):
                return fields
            if place == len(text):
                return [*fields, ""]


def unquoted(field: str) -> str:
    """A field without quotes around it, or at one of its ends alone."""
    bare = field.strip()
    if not bare.startswith('"') and not (bare.endswith('"') and bare.count('"') == 1):
        return field
    return bare.removeprefix('"').removesuffix('"').replace('""', '"')


def _joined(records: Iterable[list[str]]) -> list[str]:
    """One record of what is several to a reader: a line break that was not quoted lies within a field."""
    fields: list[str] = []
    for record in records:
        if not fields:
            fields = list(record)
        elif record:
            fields[-1] += "\n" + record[0]
            fields += record[1:]
        else:
            fields[-1] += "\n"
    return fields


class Widths:
    """Learns what each column is like, so that a field that was torn apart can be told.

    Args:
        width: number of columns.
    """

    MOST = 1000  # records that are learnt from
    FEW = 30  # values of a column that tells categories

    def __init__(self, width: int) -> None:
        self._seen = 0
        self._lengths = [0] * width
        self._values: list[set[str] | None] = [set() for _ in range(width)]

    def learn(self, record: Sequence[str]) -> None:
        """Take note of a well-formed record."""
        if self._seen == self.MOST:
            return
        self._seen += 1
        for place, field in enumerate(record):
            self._lengths[place] += len(field)
            values = self._values[place]
            if values is not None:
                values.add(field)
                if len(values) > self.FEW:
                    self._values[place] = None

    def typical(self, place: int, field: str) -> bool:
        """Whether a field is one of the few values of its column."""
        values = self._values[place]
        return values is not None and field in values

    def mended(self, fields: list[str], id_place: int | None, delimiter: str) -> tuple[list[str], bool]:
        """Fields of a record that has too many, and whether it was plain which of them belong together."""
        width = len(self._lengths)
        surplus = len(fields) - width
        ranked = []
        for place in range(width):
            if place == id_place:
                continue
            joined = [
                *fields[:place],
                delimiter.join(fields[place : place + surplus + 1]),
                *fields[place + surplus + 1 :],
            ]
            ranked.append((*self._likeness(joined, fields[place + 1 : place + surplus + 1], place), joined))
        ranked.sort(key=lambda entry: entry[:-1], reverse=True)
        if not ranked:
            return fields[:width], False
        plain = len(ranked) == 1 or ranked[0][:2] > ranked[1][:2] or ranked[0][2] > 2 * ranked[1][2]
        return (ranked[0][-1], True) if plain else (fields[:width], False)

    def _likeness(self, record: Sequence[str], torn: Sequence[str], place: int) -> tuple[int, int, int]:
        """How many other columns hold what they mostly do, how the torn parts begin, the column's length."""
        known = sum(
            values is not None and record[column] in values
            for column, values in enumerate(self._values)
            if column != place
        )
        return known, sum(part.startswith(" ") for part in torn), self._lengths[place]
