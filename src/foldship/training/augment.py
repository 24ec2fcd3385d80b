"""Rows made up of training rows: never of those that are held out.

Beside those that settings describe, further rows come from a function of the user's own, which
`augmentation.rows` names as "package.module:function":

    def function(rows: pandas.DataFrame, random: numpy.random.Generator) -> pandas.DataFrame

It is given a fold's training rows, with texts and targets, and returns further rows with the same columns.
The id of each is that of the row it was made from, `#`, and anything that makes it unique: `123#swapped`. It
belongs to that row's group, and is learned from only in this fold. The same rows and the same generator must
give the same further rows, for a fold that was broken off asks again.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from foldship import receipts
from foldship.config.inputs import Augmentation, Split
from foldship.modelling import reading
from foldship.modelling.store import ModelCard
from foldship.training.data import RowData
from foldship_kernel.errors import FoldshipError, listed
from foldship_kernel.retrieval import RETRIEVED
from foldship_kernel.tasks import CLASSES, Task

RowsHook = Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]

MARK = "#"  # between the id of a row and what its made-up rows are told apart by


def hook_digest(config: Augmentation) -> str:
    """Digest of the package that makes further rows, for a fold is another when it changes; else ""."""
    if config.rows is None:
        return ""
    module = importlib.import_module(_hook(config.rows).__module__.partition(".")[0])
    path = inspect.getsourcefile(module)
    if path is None:
        return ""
    file = Path(path)
    return receipts.digest(receipts.digest_files(file.parent if file.name == "__init__.py" else file))


def with_further_rows(
    data: RowData, rows: pd.DataFrame, card: ModelCard, task: Task, tokenizer: Path, seed: int
) -> RowData:
    """A fold's training rows, and those that the user's function makes of them.

    Args:
        data: the training rows.
        rows: the same, texts and targets.
        card: the model; its `augmentation.rows` names the function.
        task: the competition.
        tokenizer: path of `tokenizer.json`.
        seed: of the fold.

    Raises:
        FoldshipError: there is no such function, or it returns what cannot be learned from.
    """
    config = card.config.augmentation
    parts = []
    if config.swap is not None:
        parts.append(swapped(rows, config, task))
    if config.split is not None:
        parts.append(split(rows, config.split, task))
    if config.rows is not None:
        made = _hook(config.rows)(rows.copy(), np.random.default_rng(seed))
        _checked(made, rows, task, config.rows)
        parts.append(made)
    further = pd.concat(parts) if parts else rows[:0]
    if not len(further):
        return data
    sources = _sources(further, rows, task)
    encoded, features = reading.read_rows(further, task, tokenizer, card.encoding, card.features)
    learnt = replace(
        data.take(sources),
        encoded=encoded,
        features=features,
        targets=task.to_unit(further[list(task.targets)].to_numpy(dtype=np.float64)).astype(np.float32),
    )
    return data.plus(learnt)


def swapped(rows: pd.DataFrame, config: Augmentation, task: Task) -> pd.DataFrame:
    """The rows with the values of two columns exchanged, but for those with a target that is spared."""
    assert config.swap is not None
    first, second = config.swap
    spared = np.isin(rows[list(task.targets)].to_numpy(np.float64), config.swap_except).any(axis=1)
    made = rows[~spared]
    ids = made[task.id].astype(str) + f"{MARK}swapped"
    made = made.assign(**{task.id: ids, first: made[second], second: made[first]})
    return task.prepare(made, strict=True)[list(rows.columns)]


def split(rows: pd.DataFrame, config: Split, task: Task) -> pd.DataFrame:
    """Rows of the chosen classes once for each column that says something, without what the others say."""
    of_class = rows[list(config.classes)].to_numpy(np.float64).any(axis=1)
    chosen = rows[of_class] if config.classes else rows
    parts = []
    for name in config.columns:
        others = [other for other in config.columns if other != name]
        # A row with one source only is there already.
        others_say = chosen[others].notna().to_numpy().any(axis=1)
        kept = chosen[chosen[name].notna().to_numpy() & others_say]
        ids = kept[task.id].astype(str) + f"{MARK}{name}"
        parts.append(kept.assign(**{task.id: ids, **dict.fromkeys(others)}))
    made: pd.DataFrame = pd.concat(parts)[list(rows.columns)]
    return made


def check(config: Augmentation, task: Task) -> None:
    """Check the settings against the competition.

    Raises:
        FoldshipError: columns or classes are named that there are not.
    """
    columns = (*task.columns, *((RETRIEVED,) if task.retrieval is not None else ()))
    named: list[tuple[str, Sequence[str], Sequence[str]]] = [("swap", config.swap or (), task.columns)]
    if config.split is not None:
        classes = task.targets if task.kind == CLASSES else ()
        named += [
            ("split.columns", config.split.columns, columns),
            ("split.classes", config.split.classes, classes),
        ]
    for key, names, known in named:
        for name in names:
            if name not in known:
                raise FoldshipError(
                    f"augmentation.{key}: the competition has no {name!r}",
                    expected=f"names among {', '.join(known) or 'none: its targets are numbers'}",
                    fix="correct the name in kernels/<competition>/",
                )


def _hook(name: str) -> RowsHook:
    module, _, attribute = name.partition(":")
    if str(Path.cwd()) not in sys.path:  # the program may be installed elsewhere than the user's modules
        sys.path.append(str(Path.cwd()))
    try:
        function: RowsHook = getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise FoldshipError(
            f"augmentation.rows: there is no function {name!r}",
            expected="package.module:function, found from the folder that the program runs in",
            found=str(error),
            fix="correct the name in kernels/<competition>/",
        ) from error
    return function


def _sources(further: pd.DataFrame, rows: pd.DataFrame, task: Task) -> NDArray[np.int64]:
    """Place of each made-up row's source among the rows it was made from, -1 where there is none."""
    ids = [str(value).partition(MARK)[0] for value in further[task.id]]
    return np.asarray(pd.Index(rows[task.id].astype(str)).get_indexer(pd.Index(ids, dtype=object)), np.int64)


def _checked(further: object, rows: pd.DataFrame, task: Task, name: str) -> None:
    """Check the rows that a user's function made."""

    def wrong(what: str, expected: str, found: str) -> FoldshipError:
        fix = "correct the function; foldship.training.augment says what it must return"
        return FoldshipError(f"augmentation.rows: {name} {what}", expected=expected, found=found, fix=fix)

    if not isinstance(further, pd.DataFrame):
        raise wrong("returns no table", "a pandas.DataFrame", type(further).__name__)
    if set(further.columns) != set(rows.columns):
        odd = sorted(map(str, set(further.columns) ^ set(rows.columns)))
        raise wrong("returns other columns than it was given", "the same columns", listed(odd))
    ids = [str(value) for value in further[task.id]]
    twice = pd.Index(ids).duplicated()
    if twice.any():
        raise wrong("returns an id twice", "every id once", listed(np.array(ids)[twice].tolist()))
    places = _sources(further, rows, task)
    strangers = [value for value, place in zip(ids, places, strict=True) if place < 0 or MARK not in value]
    if strangers:
        expected = f"the id of a row that it was given, {MARK}, and anything else"
        raise wrong("returns rows that were made from none of its own", expected, listed(strangers))
    targets = further[list(task.targets)].to_numpy(dtype=np.float64)
    if not ((targets >= task.low) & (targets <= task.high)).all():  # NaN is not, either
        expected = f"numbers from {task.low:g} to {task.high:g}"
        raise wrong("returns targets out of range", expected, f"{np.nanmin(targets)} to {np.nanmax(targets)}")
