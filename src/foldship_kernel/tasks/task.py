"""One competition as the kernel sees it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, softmax

from foldship_kernel import encodings
from foldship_kernel.errors import DataError
from foldship_kernel.records import Records, open_rows
from foldship_kernel.retrieval import RETRIEVED, RetrievalSpec
from foldship_kernel.rows import PreparedRows, Rows, rename_id
from foldship_kernel.tasks import derived, layout, texts
from foldship_kernel.tasks.base import Template, check_columns, check_same_ids
from foldship_kernel.text import normalise_all

NUMBERS, CLASSES = "numbers", "classes"
_GROUP_CHARACTERS = 12  # 48 bits: two of 6,079 questions collide with a chance of about 1 in 15 million


@dataclass(frozen=True)
class Task:
    """What a competition asks, all of it fitting into JSON.

    Attributes:
        name: the competition's, as in `kernels/<name>/`.
        id: id column of the rows and of the submission.
        texts: what models can read of a row, by name: a template of columns in braces.
        targets: what a model's outputs are, in order: columns of numbers, or classes.
        kind: "numbers", each target a number from `low` to `high` for itself, or "classes", probabilities
            that sum to 1.
        submission: what each column of the submission but the id holds, see `layout`.
        categories: metadata columns of which every value counts.
        common: metadata columns of which the commonest values count.
        group: texts that tell which rows belong together: of these, the first that is not empty.
        group_targets: those of the targets that belong to a row's group alone, whatever else stands in the
            row.
        low, high: range of the targets.
        rowwise: whether the metric judges each row by itself, so that a submission may hold rows that more
            folds have read than others, and columns of one value; not so where rows are ranked or correlated
            with each other.
        placeholder: columns of the submission whose values in the sample only fill its cells, and do not tell
            what is wanted.
        decision: how the metric decides what a number means before it compares it, and so what is submitted,
            see `foldship_kernel.decisions`; "" for numbers as they are, and for classes.
        spellings: by target, how the training file spells its values, by `decisions.key`, or the class, by
            ""; known once its rows were read. What is not named is written as it is.
        spans: names of the parts of texts that models may read by themselves, in the order of their numbers,
            see `foldship_kernel.spans`.
        derive: what makes further columns of the files' own, see `derived`; "" for nothing.
        records: how rows lie in the competition's files where these are JSON; None for columns under their
            own names.
        retrieval: how passages are found for a row, which stand in its column "retrieved"; None for none.
        test: file with the rows to predict.
        template: file with the ids and columns of the submission; None where the competition has none.
        test_id: what the id column is called in the file with the rows to predict; "" for `id`.
        encoding: of the files' characters, where no byte order mark says another.
    """

    name: str
    id: str
    texts: Mapping[str, str]
    targets: tuple[str, ...]
    kind: str
    submission: Mapping[str, str]
    categories: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    group_targets: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    rowwise: bool = False
    placeholder: tuple[str, ...] = ()
    decision: str = ""
    spellings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    spans: tuple[str, ...] = ()
    derive: str = ""
    records: Records | None = None
    retrieval: RetrievalSpec | None = None
    test: str = "test.csv"
    template: str | None = "sample_submission.csv"
    test_id: str = ""
    encoding: str = encodings.UTF8

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Task:
        """What `dataclasses.asdict` made, read back from JSON."""
        held: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in value.items()}
        for name, kind in (("records", Records), ("retrieval", RetrievalSpec)):
            if held.get(name) is not None:
                held[name] = kind(**held[name])
        return cls(**held)

    @property
    def files(self) -> tuple[str, ...]:
        """Files by which the competition's folder is known."""
        return (self.test,) if self.template is None else (self.test, self.template)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are read of a row's file, besides the id."""
        return self.columns_for(self.texts, (*self.categories, *self.common))

    def columns_for(self, named: Collection[str], metadata: Collection[str]) -> tuple[str, ...]:
        """Columns that some texts, and some columns of metadata, are made of."""
        parts = [column for name in self.texts if name in named for column in texts.columns(self.texts[name])]
        kinds = [column for column in (*self.categories, *self.common) if column in metadata]
        wanted = dict.fromkeys([*parts, *kinds])
        if self.retrieval is not None:
            wanted.pop(RETRIEVED, None)
            asked = (*texts.columns(self.retrieval.query), self.retrieval.documents)
            wanted |= dict.fromkeys(filter(None, asked))
        if not self.derive:
            return tuple(wanted)
        made = derived.get(self.derive)
        return tuple(dict.fromkeys([*made.read, *(name for name in wanted if name not in made.added)]))

    def prepare(self, rows: pd.DataFrame, *, strict: bool) -> pd.DataFrame:
        """Rows as their file has them, with all columns that models read; no passages are found yet.

        Args:
            rows: some rows.
            strict: whether a malformed row is an error; else as much of it is read as can be.

        Raises:
            DataError: a row is malformed.
        """
        made = derived.get(self.derive).derive(rows, strict=strict) if self.derive else rows
        if self.retrieval is not None and RETRIEVED not in made.columns:
            made = made.assign(**{RETRIEVED: pd.Series(None, index=made.index, dtype=object)})
        return made

    def read_test(
        self, folder: Path, *, strict: bool = True, needed: Collection[str] | None = None
    ) -> tuple[Rows, Template]:
        """Find and check the rows to predict, and the template of the submission.

        Args:
            folder: with the competition's files.
            strict: whether what is malformed is an error, as ashore; else all rows that can be found are
                read, and the template tells what was odd, see `foldship_kernel.lenient`. Well-formed files
                are read alike.
            needed: columns that the shipped models read; None for all. Others may be missing without a word.

        Raises:
            DataError: a file or column is missing or malformed, the two files' ids differ, or the sample has
                columns that were not declared; if not `strict`, that no file of this competition is there.
        """
        try:
            return self._read_strictly(folder)
        except (DataError, OSError):
            if strict:
                raise
        from foldship_kernel.lenient import reading  # well-formed files never need it

        return reading.read(self, folder, needed)

    def _read_strictly(self, folder: Path) -> tuple[Rows, Template]:
        path = folder / self.test
        called = self.test_id or self.id
        rows: Rows = open_rows(
            path,
            self.records,
            required=self.columns,
            id_column=called,
            strict=False,
            encoding=self.encoding,
        )
        if called != self.id:
            rows = PreparedRows(rows, partial(rename_id, called=called, wanted=self.id))
        if self.derive or self.retrieval is not None:
            rows = PreparedRows(rows, partial(self.prepare, strict=False))
        if self.template is None:
            return rows, Template(self.id, rows.ids, (self.id, *self.submission))
        asked = tuple(self.submission)
        sample = folder / self.template
        wanted = open_rows(
            sample, None, required=asked, id_column=self.id, strict=True, encoding=self.encoding
        )
        check_same_ids(rows.ids, wanted.ids, path, sample)
        check_columns(wanted.columns, (self.id, *asked), sample)
        return rows, Template(self.id, wanted.ids, wanted.columns)

    def fit(self, folder: Path) -> float:
        """How well a folder's files fit the competition: 0, not at all, to 2, all columns are there."""
        from foldship_kernel.lenient import reading

        return reading.fit(self, folder)

    def raw_texts(self, rows: pd.DataFrame) -> dict[str, Sequence[object]]:
        """The texts of some rows as they came, str or missing, one sequence per name in `texts`."""
        return {name: texts.fill(template, rows) for name, template in self.texts.items()}

    def normalised(self, rows: pd.DataFrame) -> dict[str, list[str]]:
        """The texts of some rows, each on one line, entities resolved; "" where missing."""
        return {name: normalise_all(raw) for name, raw in self.raw_texts(rows).items()}

    def groups(self, normalised: Mapping[str, Sequence[str]], ids: Iterable[str]) -> list[str]:
        """A short hash per row, equal for rows that belong together; a row without a text stands alone.

        Args:
            normalised: texts of the rows, those of `group` at least.
            ids: of the rows.
        """
        alone = [f"{self.id} {row_id}" for row_id in ids]
        for name in reversed(self.group):
            alone = [text or other for text, other in zip(normalised[name], alone, strict=True)]
        return [hashlib.sha256(text.encode()).hexdigest()[:_GROUP_CHARACTERS] for text in alone]

    def cheap_sizes(self, rows: pd.DataFrame) -> list[int]:
        """Length of each row's last text in characters, which orders the rows without a model."""
        last = list(self.texts.values())[-1]
        return [len(text) if isinstance(text, str) else 0 for text in texts.fill(last, rows)]

    def unit_outputs(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Logits (rows, targets) as the network is trained to mean them: float64 from 0 to 1."""
        values = logits.astype(np.float64)
        return np.asarray(softmax(values, axis=1) if self.kind == CLASSES else expit(values))

    def outputs(self, logits: NDArray[np.floating]) -> NDArray[np.float64]:
        """Logits (rows, targets) as predictions: float64 from `low` to `high`."""
        return self.from_unit(self.unit_outputs(logits))

    def from_unit(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """From 0 to 1, to `low` to `high`."""
        return np.asarray(self.low + (self.high - self.low) * values, dtype=np.float64)

    def to_unit(self, values: NDArray[np.floating]) -> NDArray[np.float64]:
        """From `low` to `high`, to 0 to 1."""
        return np.asarray((values - self.low) / (self.high - self.low), dtype=np.float64)

    def fill(
        self,
        template: Template,
        ids: Sequence[str],
        predictions: NDArray[np.float64],
        others: NDArray[np.float64] | None = None,
    ) -> pd.DataFrame:
        """Lay out predictions as the competition wants them.

        Args:
            template: as `read_test` returns it.
            ids: id of each predicted row.
            predictions: (rows, targets), in the order of `ids` and `targets`.
            others: predictions for the template's ids without a row, in their order; None for none.
        """
        return layout.fill(template, self.cells, ids, predictions, others)

    def numbers(self, submission: pd.DataFrame) -> pd.DataFrame:
        """The numbers in a submission of text cells, see `layout.numbers`."""
        return layout.numbers(submission, self.cells)

    @property
    def cells(self) -> layout.Cells:
        """What stands in the cells of a submission."""
        return layout.Cells(
            self.submission, self.targets, self.kind == CLASSES, self.decision, self.spellings
        )
