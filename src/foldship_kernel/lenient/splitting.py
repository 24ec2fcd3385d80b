"""Cuts delimited text into records where quotes are not what they should be.

A record that is well formed is read as ever. Where one is not, it ends at the latest where another one
begins: a quote that is never closed costs the record that it stands in, and not all that follow.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from csv import Error
from dataclasses import dataclass

from foldship_kernel.lenient.fields import BACKSLASH, Dialect, Widths
from foldship_kernel.lenient.plausible import Ids
from foldship_kernel.mended import Mending

FURTHEST = 5000  # lines that one record may go on for, if it is not well formed


@dataclass(frozen=True)
class Record:
    """One record: its fields, as many as there are columns, and the line it begins on."""

    fields: list[str]
    line: int


class Splitter:
    """Yields the records of some lines.

    Args:
        lines: below the header, line ends kept.
        first_line: the first one's number.
        dialect: how fields are divided.
        width: number of columns.
        place: of the id among them; None where there is none.
        ids: what may be an id.
        notes: told what was mended.
    """

    def __init__(
        self,
        lines: Iterable[str],
        first_line: int,
        dialect: Dialect,
        width: int,
        place: int | None,
        ids: Ids,
        notes: Mending,
    ) -> None:
        self._lines = iter(lines)
        self._ahead: deque[str] = deque()
        self._line = first_line
        self._dialect, self._width, self._place = dialect, width, place
        self._ids, self._notes = ids, notes
        self._widths = Widths(width)

    def __iter__(self) -> Iterator[Record]:
        held: Record | None = None  # until it is known that nothing more belongs to it
        while (first := self._peek(0)) is not None:
            if not any(field.strip() for field in self._dialect.alone(first) or "x"):
                self._take(1)
                continue
            line = self._line
            record = self._whole()
            if record is None:
                record = self._mended(line, held)
            if record is None:
                continue
            if held is not None:
                yield held
            held = Record(record, line)
        if held is not None:
            yield held

    def _whole(self) -> list[str] | None:
        """Take the next record, if it is well formed."""
        first = self._peek(0) or ""
        if '"' not in first:
            fields = self._dialect.plain(first.rstrip("\r\n"))
            if len(fields) != self._width:
                return None
            self._take(1)
            self._widths.learn(fields)
            return fields
        for escape in (None, BACKSLASH):
            fields, used = self._read(strict=True, escape=escape)
            if used and len(fields) == self._width and not self._broken(fields):
                if escape:
                    self._notes.note("quotes escaped by a backslash, read as such", self._where(fields))
                self._take(used)
                self._widths.learn(fields)
                return fields
        return None

    def _broken(self, fields: list[str]) -> bool:
        """Whether the id goes over lines, as none does: its quotes do not pair."""
        return self._place is not None and ("\n" in fields[self._place] or "\r" in fields[self._place])

    def _read(self, *, strict: bool, escape: str | None = None) -> tuple[list[str], int]:
        """The next record as the csv module reads it, up to where another one begins for certain.

        Returns:
            Its fields, and how many lines they are on; 0 where it cannot be read.
        """
        used = 0
        ended = False

        def feed() -> Iterator[str]:
            nonlocal used, ended
            while used < FURTHEST and (line := self._peek(used)) is not None:
                if used and self._certain(line):
                    break
                used += 1
                yield line
            ended = True

        fields: list[str] = []
        with suppress(Error):
            fields = next(iter(self._dialect.reader(feed(), strict=strict, escape=escape)), [])
            return fields, 0 if ended and not strict and used == FURTHEST else used
        return [], 0

    def _certain(self, line: str) -> bool:
        if self._place is None:
            return False
        value = self._dialect.start(line, self._place)
        return value is not None and self._ids.certain(value)

    def _likely(self, line: str) -> bool:
        """Whether a line looks like a record of its own, or the beginning of one."""
        fields = self._dialect.alone(line)
        whole = fields is not None and len(fields) == self._width
        if not whole and not (self._place or 0) < self._dialect.begun(line) < self._width:
            return False
        if self._place is None:
            return True
        value = self._dialect.start(line, self._place)
        return value is not None and self._ids.likely(value)

    def _mended(self, line: int, held: Record | None) -> list[str] | None:
        """Take the next record, which is not well formed; None where it is none of its own."""
        count = self._end()
        text = "".join(self._peek(k) or "" for k in range(count))
        cut_off = self._peek(count) is None and not text.endswith(("\n", "\r"))
        self._take(count)
        text = text.rstrip("\r\n")
        fields = self._best(text)
        where = f"line {line}"
        if len(fields) < self._width and self._place is not None:
            value = fields[self._place] if self._place < len(fields) else ""
            if self._glued(text):
                self._notes.note("a line break within an id, left out", where)
                return None
            stump = len(fields) == 1 < self._width and (cut_off or self._is_stump(text))
            if stump and not self._ids.unmet(text):
                self._notes.note("rows cut off before or within their id, left out", where)
                return None
            if held is not None and not self._begins(value, fields):
                if self._goes_on(fields):
                    held.fields[-1] += "\n" + text
                    self._notes.note("lines that no quotes hold together, joined to the row before", where)
                else:
                    self._notes.note("rows that have neither an id nor all fields, left out", where)
                return None
        where = self._where(fields, line)
        if len(fields) < self._width:
            self._notes.note("rows with too few fields, the others taken as empty", where)
            return fields + [""] * (self._width - len(fields))
        if len(fields) > self._width:
            fields, plain = self._widths.mended(fields, self._place, self._dialect.layout.delimiter)
            self._notes.note(
                "rows with too many fields, joined where a text was torn apart"
                if plain
                else "rows with too many fields, the last ones left out",
                where,
            )
            return fields
        if '"' in text:
            self._notes.note("rows whose quotes do not pair, read as far as they are seen to go", where)
        return fields

    def _begins(self, value: str, fields: list[str]) -> bool:
        """Whether a record that lacks fields is one, and not the rest of the one before."""
        if self._ids.known(value):
            return True
        return len(fields) > 1 and self._ids.likely(value)

    def _is_stump(self, text: str) -> bool:
        """Whether a text is what the first field of a record, or its beginning, looks like."""
        return self._ids.cut(text) if self._place == 0 else self._widths.typical(0, text)

    def _glued(self, text: str) -> bool:
        """Put the beginning of an id back before the rest of it, if that is what this text is."""
        following = self._peek(0)
        if self._place != 0 or following is None or not text or self._dialect.layout.delimiter in text:
            return False
        value = self._dialect.start(text + following, 0)
        if value is None or not self._ids.known(value):
            return False
        self._ahead[0] = text + following
        return True

    def _goes_on(self, fields: list[str]) -> bool:
        """Whether a record that lacks fields reads like prose, and not like a row that lost a delimiter."""
        return len(fields) == 1 or any(part.startswith(" ") for part in fields[1:])

    def _end(self) -> int:
        """How many lines the next record, which is not well formed, goes on for."""
        fields, closed = self._read(strict=True)
        if closed and len(fields) >= self._width and not self._broken(fields):
            return closed
        start = 1
        while start < FURTHEST and (line := self._peek(start)) is not None:
            if self._certain(line) or self._likely(line):
                break
            start += 1
        fields, closed = self._read(strict=False)
        if not closed or closed > start:
            # Quotes that are closed nowhere near: up to the next record, or to the end of the file.
            return start if start < FURTHEST else closed or 1
        count = len(fields)
        if self._place is None or not self._ids.any_known:
            return closed
        while closed < start and count < self._width:
            more = len(self._dialect.plain(self._peek(closed) or "")) - 1
            if count + more > self._width:
                break
            count += more
            closed += 1
        return closed

    def _best(self, text: str) -> list[str]:
        """Fields of a record's text, as many as there are columns if any way of reading it gives that."""
        ways = list(self._dialect.ways(text))
        fitting = [fields for fields in ways if len(fields) == self._width]
        if self._place is not None:
            known = [fields for fields in fitting if self._ids.likely(fields[self._place])]
            fitting = known or fitting
        if fitting:
            return fitting[0]
        return min(ways, key=lambda fields: abs(len(fields) - self._width))

    def _where(self, fields: list[str], line: int | None = None) -> str:
        number = self._line if line is None else line
        if self._place is None or self._place >= len(fields):
            return f"line {number}"
        return f"line {number}, id {fields[self._place][:40]}"

    def _peek(self, place: int) -> str | None:
        """The line that is `place` lines ahead; None behind the last one."""
        while len(self._ahead) <= place:
            line = next(self._lines, None)
            if line is None:
                return None
            self._ahead.append(line)
        return self._ahead[place]

    def _take(self, count: int) -> None:
        for _ in range(count):
            self._ahead.popleft()
        self._line += count
