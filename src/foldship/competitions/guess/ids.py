"""Which column names the rows, in each of the files."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from foldship.competitions.guess.columns import is_id_name, names_rows


@dataclass(frozen=True)
class Ids:
    """What the id column is called in each file; None in `train` where the rows are named by their number."""

    train: str | None
    test: str
    sample: str
    reason: str

    @property
    def declared(self) -> str | dict[str, str | None]:
        """`id` of `competition.yaml`."""
        if self.train == self.test == self.sample:
            return self.test
        names: dict[str, str | None] = {"train": self.train, "test": self.test}
        return names if self.sample == self.test else {**names, "sample": self.sample}


def find(train: pd.DataFrame, test: pd.DataFrame | None, sample: pd.DataFrame | None) -> Ids:
    """Look for the id column: what test and sample have in common, then what training has like it."""
    asked, wanted = _of_test(train, test, sample)
    if asked is None:
        able = _named_first(train, [str(name) for name in train.columns if names_rows(train[name])])
        if able:
            return Ids(able[0], able[0], able[0], f"id: {able[0]}, whose values are all different")
        said = "id: no column of the training file names its rows, so their numbers do"
        return Ids(None, "id", "id", f"{said}; correct test: the column that does in the test file")
    sample_name = wanted or asked
    if asked in train.columns and names_rows(train[asked]):
        reason = f"id: {asked}, whose values are all different"
        if sample_name != asked:
            reason += f"; the sample calls it {sample_name}"
        return Ids(asked, asked, sample_name, reason)
    able = [str(name) for name in train.columns if names_rows(train[name]) and is_id_name(str(name))]
    own = [name for name in able if test is None or name not in test.columns] or able
    if own:
        return Ids(own[0], asked, sample_name, f"id: {own[0]} in training, {asked} in the test file")
    twice = asked in train.columns
    why = f"{asked} stands in several rows of training" if twice else f"training has no {asked}"
    return Ids(None, asked, sample_name, f"id: {why}, so its rows are named by their number")


def _of_test(
    train: pd.DataFrame, test: pd.DataFrame | None, sample: pd.DataFrame | None
) -> tuple[str | None, str | None]:
    """Names of the id column in the test file and in the sample."""
    if sample is not None and test is not None:
        # The column of either file whose values meet; a sample may hold only a part of the rows.
        shared = [
            (len(met), left == right, is_id_name(left), -place, left, right)
            for place, right in enumerate(map(str, sample.columns))
            for left in map(str, test.columns)
            if names_rows(test[left]) and names_rows(sample[right])
            if (met := set(test[left]) & set(sample[right]))
        ]
        if shared:
            *_, left, right = max(shared)
            return left, right
    for frame in (sample, test):
        if frame is None:
            continue
        able = _named_first(frame, [str(name) for name in frame.columns if names_rows(frame[name])])
        common = [name for name in able if name in train.columns]
        if test is not None:
            common = [name for name in common if name in test.columns] or common
        if frame is sample and able[:1] == [str(frame.columns[0])] and not common:
            common = able[:1]
        if common or (able and is_id_name(able[0])):
            name = (common or able)[0]
            return name, name
    return None, None


def _named_first(rows: pd.DataFrame, names: list[str]) -> list[str]:
    """Columns that can be ids, those that are called so first; numbers as of prices are none."""
    called = [name for name in names if is_id_name(name)]
    return called or [name for name in names if not _measures(rows[name])]


def _measures(column: pd.Series) -> bool:
    """Whether unique values are rather measured, or texts of one word, than given as names."""
    digits = column.str.contains(r"\d").all()
    return not bool(digits) or bool(column.str.contains(r"^-?\d*\.\d+$").all())
