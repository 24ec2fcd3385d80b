"""Valid test files, and what happens to files on their way: for tests of what is read all the same."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from foldship_kernel.intake import texts_of
from foldship_kernel.submission import Submission
from foldship_kernel.tasks import Task
from foldship_kernel.text import normalise

TASK = Task(
    name="odd",
    id="id",
    texts={"title": "{title}", "body": "{body}"},
    targets=("score",),
    kind="numbers",
    submission={"score": "score"},
    common=("kind",),
    rowwise=True,
)
ORDERS = [("id", "title", "body", "kind"), ("id", "kind", "title", "body"), ("kind", "id", "body", "title")]
FALLBACK = {"score": {"mean": 0.5, "spread": 0.0}}


def prediction(title: str, body: str) -> float:
    """What the model says of a row: a number that tells its texts from any others'."""
    return int(hashlib.sha256(f"{title}\n{body}".encode()).hexdigest()[:8], 16) / 2**32


@dataclass(frozen=True)
class Line:
    """One record of the test file.

    Attributes:
        id: of its row.
        title, body: of its row, as models read them.
        content: the record with its line end.
        whole: whether it is as it should be, whatever became of the others.
    """

    id: str
    title: str
    body: str
    content: str | bytes
    whole: bool = True


@dataclass(frozen=True)
class Files:
    """A test file and a sample submission.

    Attributes:
        header: the test file's first line.
        lines: its records.
        end: its line end.
        sample: rows of the sample submission, its header first; None where there is none.
        spelt: how the sample spells ids that it spells otherwise.
        encoding: of the test file.
        order: its columns.
    """

    header: str
    lines: tuple[Line, ...]
    end: str
    order: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...] | None
    spelt: Mapping[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"

    def write(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        parts = [self.header, *(line.content for line in self.lines)]
        if all(isinstance(part, str) for part in parts):
            content = "".join(map(str, parts)).encode(self.encoding)
        else:
            content = b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
        (folder / TASK.test).write_bytes(content)
        path = folder / str(TASK.template)
        path.unlink(missing_ok=True)
        if self.sample is not None:
            stream = io.StringIO(newline="")
            csv.writer(stream).writerows(self.sample)
            path.write_text(stream.getvalue(), encoding="utf-8", newline="")

    def check(self, submission: pd.DataFrame) -> None:
        """Assert that all ids are there, and that all rows that are whole have their prediction."""
        ids = Counter(submission.iloc[:, 0])
        score = next(name for name in submission.columns if name.strip().lower() == "score")
        for value, count in Counter(row[0] for row in (self.sample or ())[1:]).items():
            assert ids[value] >= count, f"{value!r} of the sample is missing"
        found = defaultdict(set)
        for value, cell in zip(submission.iloc[:, 0], submission[score], strict=True):
            found[value].add(round(float(cell), 9))
        damaged = {line.id for line in self.lines if not line.whole}  # of two rows either may be meant
        for line in self.lines:
            if line.whole and line.id not in damaged:
                value = self.spelt.get(line.id, line.id)
                assert value in ids, f"{line.id!r} of the test file is missing"
                assert round(prediction(line.title, line.body), 9) in found[value], (
                    f"{line.id!r} not predicted"
                )


def predicted(folder: Path, working: Path, task: Task = TASK) -> tuple[pd.DataFrame, Sequence[object]]:
    """Read the folder as the kernel does, predict by the texts, and write the submission.

    Returns:
        The submission's cells, and what was mended.
    """
    rows, template = task.read_test(folder, strict=False)
    values = []
    for chunk in rows.chunks():
        texts = texts_of(task, chunk).normalised
        values += [prediction(*row) for row in zip(texts["title"], texts["body"], strict=True)]
    submission = Submission(working / "submission.csv", task, rows, template, FALLBACK)
    submission.write(np.array(values, dtype=np.float64).reshape(-1, 1))
    with (working / "submission.csv").open(encoding="utf-8", newline="") as stream:
        header, *cells = csv.reader(stream, strict=True)
    return pd.DataFrame(cells, columns=header, dtype=object), template.mended


words = st.sampled_from(
    [
        "river",
        "the city, at night",
        'she said "no"',
        "plan",
        "é ö",
        "한국어",
        "1999, then",
        "x" * 40,
        "two\nlines",
    ]
)
texts = st.lists(words, min_size=1, max_size=4).map(" ".join)
ID_STYLES: dict[str, Callable[[int], str]] = {
    "numbers": lambda number: str(3 * number + 5),
    "letters": lambda number: f"h{number}",
    "hex": lambda number: hashlib.md5(bytes([number])).hexdigest()[:9],
    "zeros": lambda number: f"{7 * number:05d}",
    "long": lambda number: f"q-{number:03d}-é",
}


def line_of(cells: Sequence[str], end: str = "\n") -> str:
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator="\r\n").writerow(
        cells
    )  # else a line end of the other kind goes unquoted
    return stream.getvalue().removesuffix("\r\n") + end


@st.composite
def valid(draw: st.DrawFn) -> Files:
    """Files as they should be."""
    style = ID_STYLES[draw(st.sampled_from(sorted(ID_STYLES)))]
    order = draw(st.sampled_from(ORDERS))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    lines = []
    for number in range(draw(st.integers(2, 12))):
        # Equal texts could be mistaken for each other without being told.
        title, body = (f"{draw(texts)} {number}" for _ in range(2))
        cells = {
            "id": style(number),
            "kind": draw(st.sampled_from(["A", "B", ""])),
            "title": title,
            "body": body,
        }
        content = line_of([cells[name] for name in order], end)
        lines.append(Line(cells["id"], normalise(title), normalise(body), content))
    sample = (("id", "score"), *((line.id, "0") for line in lines))
    return Files(line_of(order, end), tuple(lines), end, order, sample)


Change = Callable[[st.DrawFn, Files], Files]


def _changed(files: Files, place: int, content: str | bytes, *, whole: bool = False) -> Files:
    lines = list(files.lines)
    lines[place] = replace(lines[place], content=content, whole=whole and lines[place].whole)
    return replace(files, lines=tuple(lines))


def _within(draw: st.DrawFn, files: Files) -> tuple[int, str | bytes, int]:
    """A record, its content, and a place in it, before its line end."""
    filled = [place for place, line in enumerate(files.lines) if len(line.content) > len(files.end)]
    place = draw(st.sampled_from(filled or [0]))
    content = files.lines[place].content
    return place, content, draw(st.integers(0, max(0, len(content) - len(files.end) - 1)))


def inserted(draw: st.DrawFn, files: Files) -> Files:
    """Something is put into a record."""
    place, content, at = _within(draw, files)
    if isinstance(content, bytes):
        return files
    what = draw(
        st.sampled_from(['"', "\0", ",", "\n", "\r", '\\"', '""', "\ufeff", " ", ";", "\x1a", "\u2028"])
    )
    return _changed(files, place, content[:at] + what + content[at:])


def bad_byte(draw: st.DrawFn, files: Files) -> Files:
    """A byte of a record is no UTF-8."""
    place, content, at = _within(draw, files)
    raw = content if isinstance(content, bytes) else content.encode()
    byte = draw(st.sampled_from([b"\xff", b"\xe9", b"\x80", b"\xc3"]))
    return _changed(files, place, raw[:at] + byte + raw[at + draw(st.integers(0, 1)) :])


def deleted(draw: st.DrawFn, files: Files) -> Files:
    """A character of a record is lost."""
    place, content, at = _within(draw, files)
    return _changed(files, place, content[:at] + content[at + 1 :])


def shortened(draw: st.DrawFn, files: Files) -> Files:
    """A record breaks off."""
    place, content, at = _within(draw, files)
    return files if isinstance(content, bytes) else _changed(files, place, content[:at] + files.end)


def lost(draw: st.DrawFn, files: Files) -> Files:
    """A record is missing."""
    place = draw(st.integers(0, len(files.lines) - 1))
    return replace(files, lines=files.lines[:place] + files.lines[place + 1 :]) if files.lines[1:] else files


def twice(draw: st.DrawFn, files: Files) -> Files:
    """A record stands twice."""
    place = draw(st.integers(0, len(files.lines) - 1))
    return replace(files, lines=(*files.lines[: place + 1], *files.lines[place:]))


def blank(draw: st.DrawFn, files: Files) -> Files:
    """Lines of nothing stand between records."""
    place, content, _ = _within(draw, files)
    if isinstance(content, bytes):
        return files
    return _changed(files, place, content + draw(st.sampled_from(["", "  ", ",,,"])) + files.end, whole=True)


def by_backslash(draw: st.DrawFn, files: Files) -> Files:
    """A record has its quotes escaped by backslashes."""
    place, content, _ = _within(draw, files)
    if isinstance(content, bytes) or not files.lines[place].whole or "\\" in content:
        return files
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, quoting=csv.QUOTE_ALL, doublequote=False, escapechar="\\", lineterminator=files.end
    )
    writer.writerows(csv.reader(io.StringIO(content, newline="")))
    return _changed(files, place, stream.getvalue(), whole=True)


def other_end(draw: st.DrawFn, files: Files) -> Files:
    """A record ends otherwise than the others."""
    place, content, _ = _within(draw, files)
    if isinstance(content, bytes) or not content.endswith(files.end):
        return files
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    return _changed(files, place, content.removesuffix(files.end) + end, whole=True)


def cut_off(draw: st.DrawFn, files: Files) -> Files:
    """The file breaks off within its last record, or before its line end."""
    content = files.lines[-1].content
    most = len(content)
    gone = draw(st.integers(1, most))
    kept = content[: most - gone]
    return _changed(files, len(files.lines) - 1, kept, whole=gone <= len(files.end))


def other_encoding(draw: st.DrawFn, files: Files) -> Files:
    """The file has a byte order mark, or is in another encoding that has one."""
    return replace(files, encoding=draw(st.sampled_from(["utf-8-sig", "utf-16", "utf-32"])))


def other_header(draw: st.DrawFn, files: Files) -> Files:
    """The header's names are spelt otherwise."""
    how = draw(st.sampled_from([str.upper, str.title, lambda name: f" {name} ", lambda name: f'"{name}"']))
    names = files.header.removesuffix(files.end).split(",")
    return replace(files, header=",".join(how(name) for name in names) + files.end)


def without_a_column(draw: st.DrawFn, files: Files) -> Files:
    """A column that models read is not there under its name."""
    gone = draw(st.sampled_from(["title", "body", "kind"]))
    if files.header != line_of(files.order, files.end):
        return files
    lines = tuple(replace(line, **{gone: ""}) if gone != "kind" else line for line in files.lines)
    return replace(files, header=files.header.replace(gone, "comment_of_others"), lines=lines)


RECORDS: list[Change] = [
    inserted, bad_byte, deleted, shortened, lost, twice, blank, by_backslash, other_end,
]  # fmt: skip
WHOLE: list[Change] = [cut_off, other_encoding, other_header, without_a_column]


def as_it_is(draw: st.DrawFn, files: Files) -> Files:
    return files


def no_sample(draw: st.DrawFn, files: Files) -> Files:
    return replace(files, sample=None)


def shuffled(draw: st.DrawFn, files: Files) -> Files:
    header, *rows = files.sample or ()
    return replace(files, sample=(header, *draw(st.permutations(rows))))


def part_of_sample(draw: st.DrawFn, files: Files) -> Files:
    return replace(files, sample=(files.sample or ())[: draw(st.integers(1, len(files.lines)))])


def more_in_sample(draw: st.DrawFn, files: Files) -> Files:
    return replace(files, sample=(*(files.sample or ()), ("another 1", "0"), ("another 2", "0")))


def others_in_sample(draw: st.DrawFn, files: Files) -> Files:
    return part_of_sample(draw, more_in_sample(draw, shuffled(draw, files)))


def twice_in_sample(draw: st.DrawFn, files: Files) -> Files:
    return replace(files, sample=(*(files.sample or ()), (files.sample or ())[1]))


def another_column(draw: st.DrawFn, files: Files) -> Files:
    return replace(
        files, sample=tuple((*row, "other" if not n else "7") for n, row in enumerate(files.sample or ()))
    )


def other_spelling(draw: st.DrawFn, files: Files) -> Files:
    """The sample writes ids as other programs do."""
    how = draw(st.sampled_from([lambda v: f"{v}.0" if v.isdigit() else v, str.upper, lambda v: f" {v} "]))
    spelt = {line.id: how(line.id) for line in files.lines}
    header, *rows = files.sample or ()
    return replace(files, spelt=spelt, sample=(header, *((spelt[value], cell) for value, cell in rows)))


def other_name(draw: st.DrawFn, files: Files) -> Files:
    """The sample's columns are spelt otherwise."""
    return replace(files, sample=((" ID", "Score"), *(files.sample or ())[1:]))


SAMPLES: list[Change] = [
    as_it_is, no_sample, shuffled, part_of_sample, more_in_sample, others_in_sample, twice_in_sample,
    another_column, other_spelling, other_name,
]  # fmt: skip


@st.composite
def odd(draw: st.DrawFn) -> Files:
    """Files to which some things have happened."""
    files = draw(st.sampled_from(SAMPLES))(draw, draw(valid()))
    for change in draw(st.lists(st.sampled_from(RECORDS), max_size=3)):
        files = change(draw, files)
    for change in draw(st.lists(st.sampled_from(WHOLE), max_size=2, unique=True)):
        files = change(draw, files)
    return files
