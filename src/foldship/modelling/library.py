"""The models in `weights/`, for what does not ask where they were trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import pandas as pd
from numpy.typing import NDArray

from foldship.modelling import adopted, store
from foldship.modelling.model import RowModel
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.features import FeatureSpec
from foldship_kernel.manifest import Cost
from foldship_kernel.tasks import Task


class Card(Protocol):
    """What all folds of a model share; see `store.ModelCard` and `adopted.AdoptedCard`."""

    @property
    def name(self) -> str: ...
    @property
    def task(self) -> Task: ...
    @property
    def source(self) -> str: ...
    @property
    def backbone(self) -> str: ...
    @property
    def encoding(self) -> EncodingSpec: ...
    @property
    def features(self) -> FeatureSpec: ...
    @property
    def data(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...
    @property
    def targets(self) -> tuple[str, ...]: ...

    def cost(self, lengths: NDArray[Any], rows: int) -> Cost:
        """What a fold costs, see `costs.cost`."""


def load_card(folder: Path) -> Card:
    """Read `model.json`.

    Raises:
        FoldshipError: there is none, or it is of another version.
    """
    return adopted.load_card(folder) if adopted.is_adopted(folder) else store.load_card(folder)


def load_fold(folder: Path, fold: int, *, attention: str = "eager") -> RowModel:
    """Load a fold in fp32 and evaluation mode; adopted graphs are none that torch could load.

    Raises:
        FoldshipError: the weights are missing, cut short, or do not fit the model's settings.
    """
    load = adopted.load_fold if adopted.is_adopted(folder) else store.load_fold
    return load(folder, fold, attention=attention)


def folds(folder: Path) -> list[int]:
    """Numbers of a model's folds.

    Raises:
        FoldshipError: training did not end.
    """
    return list(range(adopted.load_card(folder).count)) if adopted.is_adopted(folder) else store.folds(folder)


def out_of_fold(folder: Path, id_column: str) -> pd.DataFrame | None:
    """Out-of-fold predictions: ids as str, a float64 column per target, `fold`; None where there are none.

    Raises:
        FoldshipError: training did not end.
    """
    if adopted.is_adopted(folder) and not (folder / store.OUT_OF_FOLD).is_file():
        return None
    return store.out_of_fold(folder, id_column)


def knows_held_out(folder: Path) -> bool:
    """Whether each row's `fold` in the out-of-fold predictions names the fold that did not learn from it."""
    return not adopted.is_adopted(folder) or adopted.load_card(folder).numbered
