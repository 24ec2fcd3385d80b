"""A table of delimited text whose header, quotes, widths or characters are not what they should be."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from csv import Error
from dataclasses import replace
from functools import cached_property

from foldship_kernel.errors import listed
from foldship_kernel.lenient import decoding, spelling
from foldship_kernel.lenient.fields import Dialect, unquoted
from foldship_kernel.lenient.plausible import Ids
from foldship_kernel.lenient.splitting import Splitter
from foldship_kernel.lenient.table import Row
from foldship_kernel.mended import Mending
from foldship_kernel.opening import Source
from foldship_kernel.rows import header_name

_HEAD_LINES = 20  # among which the header is sought
_LOOKED_AT = 2000  # lines that the table's width and its ids' shape are learnt from
_DELIMITERS = (",", "\t", ";", "|")
_MOST = 0.5  # share of the rows


class DelimitedTable:
    """Rows of a file of delimited text, as many as can be found.

    Args:
        source: the file.
        required: columns wanted, besides the id.
        id_column: name of the id column.
        known: ids that are known, as of the sample submission.
        notes: told what was mended in the header.

    Attributes:
        columns: names of the columns, as `required` and `id_column` spell them where they are meant; "" for
            those without a name.
        written: how the file writes those names that it writes otherwise.
        place: of the id among them; None where no column has ids.
    """

    def __init__(
        self,
        source: Source,
        *,
        required: Sequence[str],
        id_column: str,
        known: Sequence[str],
        notes: Mending,
    ) -> None:
        self._source = source
        self._encoding = decoding.encoding_of(source, notes)
        with self._lines(Mending("")) as lines:
            head = list(itertools.islice(lines, _LOOKED_AT))
        self._above = self._find_header(head, (id_column, *required), notes)
        self._ids = Ids(known)
        below = head[self._above :]
        self._fit_width(below, notes)
        self._name_id(below, id_column, notes)
        self._name_text(below, required, notes)
        if self.place is not None:
            self._ids = Ids(known, [record[self.place] for record in self._records(below)])
            if known:
                self._meet_ids()

    @cached_property
    def _undecodable(self) -> bool:
        return not decoding.decodable(self._source, self._encoding)

    def rows(self, notes: Mending) -> Iterator[Row]:
        """Yield all rows.

        Args:
            notes: told what was mended.
        """
        if not any(self.columns):  # neither a name nor an id is known: no table of ours
            return
        with self._lines(notes) as lines:
            below = itertools.islice(lines, self._above, None)
            for record in Splitter(
                below, self._above + 1, self._dialect, len(self.columns), self.place, self._ids, notes
            ):
                where = f"line {record.line}"
                if self.place is not None:
                    where += f", id {record.fields[self.place][:40]}"
                if self._undecodable and any(spelling.UNREADABLE in field for field in record.fields):
                    named = self._encoding.upper().removesuffix("-SIG")
                    notes.note(f"rows with bytes that are not {named}, replaced", where)
                yield Row(record.fields, where)

    def _meet_ids(self) -> None:
        """Count the lines that may begin with each id."""
        with self._lines(Mending("")) as lines:
            for line in itertools.islice(lines, self._above, None):
                value = self._dialect.start(line, self.place or 0)
                if value is not None:
                    self._ids.meet(value)

    def _lines(self, notes: Mending) -> decoding.Opened:
        return decoding.opened(self._source, self._encoding, notes)

    def _find_header(self, head: Sequence[str], wanted: Sequence[str], notes: Mending) -> int:
        """Find header and delimiter; returns the number of lines down to the header."""
        best, above = 0, 0
        layout = self._source.layout
        self._dialect, self.columns = Dialect(layout), list[str]()
        self.written: dict[str, str] = {}
        self._twice: list[str] = []
        for delimiter in dict.fromkeys((layout.delimiter, *_DELIMITERS)):
            dialect = Dialect(replace(layout, delimiter=delimiter))
            for number, line in enumerate(head[:_HEAD_LINES], start=1):
                fields = dialect.alone(line) or [unquoted(field) for field in dialect.plain(line.rstrip())]
                names = [header_name(field) for field in fields]
                found = spelling.places(names, wanted)
                if len(found) > best:
                    best, above = len(found), number
                    self._dialect, self.columns = dialect, self._named(names, found)
        if not best:
            first = next((line for line in head if line.strip()), "")
            self.columns = [""] * len(self._dialect.alone(first) or self._dialect.plain(first))
            notes.note("no header, the columns told by what they hold", repr(first.strip()[:40]))
            return 0
        if len([line for line in head[: above - 1] if line.strip()]):
            notes.note("lines above the header, left out", f"line {above} is the header", above - 1)
        self._tell_names(notes)
        return above

    def _named(self, names: Sequence[str], found: dict[str, int]) -> list[str]:
        """The header's names, those wanted as they are wanted, of equal ones the first."""
        self.written = {column: names[place] for column, place in found.items() if names[place] != column}
        self._twice = [name for name, count in Counter(names).items() if name and count > 1]
        named: list[str] = []
        for place, name in enumerate(names):
            wanted = next((column for column, at in found.items() if at == place), name)
            named.append("" if wanted in named or (wanted in found and found[wanted] != place) else wanted)
        return named

    def _tell_names(self, notes: Mending) -> None:
        for column, written in self.written.items():
            notes.note(f"the header has '{written}' for column '{column}'", f"column '{column}'")
        for name in self._twice:
            notes.note("columns that stand in the header several times, the first one read", f"'{name}'")

    def _fit_width(self, below: Sequence[str], notes: Mending) -> None:
        """Add a column without a name where most rows have one more field than the header."""
        width = len(self.columns)
        found = [fields for line in below if line.strip() and (fields := self._dialect.alone(line))]
        more = [fields for fields in found if len(fields) == width + 1]
        if not found or len(more) <= _MOST * len(found):
            return
        if sum(not fields[-1].strip() for fields in more) > _MOST * len(more):
            self.columns.append("")
            return
        numbered = sum(fields[0].strip('" ').isdigit() for fields in more) > _MOST * len(more)
        if numbered and not any(self._ids.known(fields[0]) for fields in more):
            self.columns.insert(0, "")
            notes.note("a header that lacks the first column's name", "row numbers")

    def _name_id(self, below: Sequence[str], id_column: str, notes: Mending) -> None:
        """Find the column of the ids: by its name, else the first one that holds those that are known."""
        if id_column in self.columns:
            self.place: int | None = self.columns.index(id_column)
            return
        self.place = None
        records = self._records(below)
        for place, name in enumerate(self.columns):
            values = [record[place] for record in records if place < len(record)]
            if values and sum(map(self._ids.known, values)) > _MOST * len(values):
                self.place, self.columns[place] = place, id_column
                notes.note(
                    f"no column '{id_column}', another one has the ids", f"'{name}', column {place + 1}"
                )
                return
        notes.note(f"no column '{id_column}', rows told by their order", f"columns {listed(self.columns)}")

    def _name_text(self, below: Sequence[str], required: Sequence[str], notes: Mending) -> None:
        """Without a header, a text that stands alone is the column that holds most."""
        if self.place is None or any(self.columns[: self.place] + self.columns[self.place + 1 :]):
            return
        if len(required) == 1 and len(self.columns) > 1:
            records = self._records(below)
            sizes = [sum(len(record[k]) for record in records) for k in range(len(self.columns))]
            sizes[self.place] = -1
            longest = sizes.index(max(sizes))
            self.columns[longest] = required[0]
            notes.note(f"the longest column read as '{required[0]}'", f"column {longest + 1}")

    def _records(self, below: Sequence[str]) -> list[list[str]]:
        """The first records, as far as they have all columns."""
        found: list[list[str]] = []
        with suppress(Error):
            for record in self._dialect.reader(below, strict=False):
                if len(record) == len(self.columns):
                    found.append(record)
        return found
