"""A model that was trained elsewhere, on disk: `model.json`, `network/`, and per fold weights or a graph."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import nn

from foldship.config.adopting import Adopted, Meaning
from foldship.modelling import costs, foreign, loading
from foldship.modelling.foreign import Dense
from foldship.modelling.model import Encoder, RowModel
from foldship.modelling.store import CARD, WEIGHTS
from foldship_kernel.atomic import write_json
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.errors import FoldshipError
from foldship_kernel.features import FeatureSpec
from foldship_kernel.manifest import Cost
from foldship_kernel.tasks import Task

KEY = "adopted"  # in the card, by which such a model is known
NETWORK = "network"  # folder with the encoder's config.json
GRAPH = "model.onnx"
CLASSIFIER, SENTENCES, ONNX = "classifier", "sentence encoder", "ONNX graph"
AGAIN = "run `foldship adopt` again"


@dataclass(frozen=True)
class AdoptedCard:
    """What all folds of a model that was trained elsewhere share.

    Attributes:
        name: as in the experiment.
        task: its competition.
        source: folder with the encoder's `config.json`.
        settings: the model's, as they were given.
        kind: what its folds are: CLASSIFIER, SENTENCES or ONNX.
        encoding: how rows become inputs.
        data: hash of the training rows.
        fingerprint: hash of all that it was made from.
        backbone: name of its pretrained encoder on the hub; "" where that is not known.
        count: number of folds.
        numbered: whether fold k of `oof.csv` holds the rows that `fold<k>` did not learn from.
        mixture: per target the share of each output in its number.
        meaning: of that number.
        pooling, dense: of a sentence encoder, what is read of the last layer, and the layers above.
        shape: of a graph that came without `config.json`: layers, width and size within a layer.
    """

    name: str
    task: Task
    source: str
    settings: Adopted
    kind: str
    encoding: EncodingSpec
    data: str
    fingerprint: str
    backbone: str
    count: int
    numbered: bool
    mixture: tuple[tuple[float, ...], ...]
    meaning: Meaning
    pooling: tuple[str, ...] = ()
    dense: tuple[Dense, ...] = ()
    shape: tuple[int, int, int] | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """Output names, in order."""
        return self.task.targets

    @property
    def features(self) -> FeatureSpec:
        """None: it reads texts alone."""
        return FeatureSpec()

    def cost(self, lengths: NDArray[Any], rows: int) -> Cost:
        """What a fold costs, see `costs.cost`."""
        if self.shape is not None:
            return costs.of_shape(self.shape, lengths, rows)
        return costs.cost(self.source, lengths, rows)

    def head(self) -> nn.Module:
        """What makes logits of the encoder's outputs, in evaluation mode."""
        task = self.task
        outputs = foreign.Outputs(self.mixture, self.meaning, task.low, task.high, task.kind)
        return (foreign.Cosine(outputs) if self.kind == SENTENCES else outputs).eval()

    def save(self, folder: Path) -> None:
        value = {
            "name": self.name,
            "competition": self.task.name,
            "data": self.data,
            "fingerprint": self.fingerprint,
            "task": asdict(self.task),
            "encoding": asdict(self.encoding),
            "features": asdict(self.features),
            KEY: {
                "settings": self.settings.model_dump(mode="json"),
                "dense": [asdict(layer) for layer in self.dense],
                **{name: getattr(self, name) for name in _PLAIN},
            },
        }
        write_json(folder / CARD, value)


_PLAIN = ("kind", "backbone", "count", "numbered", "mixture", "meaning", "pooling", "shape")


def is_adopted(folder: Path) -> bool:
    """Whether the model in `folder` was trained elsewhere."""
    try:
        return KEY in json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def load_card(folder: Path) -> AdoptedCard:
    """Read `model.json`.

    Raises:
        FoldshipError: there is none, or it is of another version.
    """
    path = folder / CARD
    try:
        value: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        own = value[KEY]
        return AdoptedCard(
            name=value["name"],
            task=Task.from_dict(value["task"]),
            source=str(folder / NETWORK),
            settings=Adopted.model_validate(own["settings"]),
            encoding=EncodingSpec.from_dict(value["encoding"]),
            data=value["data"],
            fingerprint=value["fingerprint"],
            kind=own["kind"],
            backbone=own["backbone"],
            count=own["count"],
            numbered=own["numbered"],
            mixture=tuple(map(tuple, own["mixture"])),
            meaning=own["meaning"],
            pooling=tuple(own["pooling"]),
            dense=tuple(Dense(**layer) for layer in own["dense"]),
            shape=None if own["shape"] is None else tuple(own["shape"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FoldshipError(
            f"{path}: no adopted model that can be read", found=str(error).splitlines()[0], fix=AGAIN
        ) from error


def load_fold(folder: Path, fold: int, *, attention: str = "eager") -> RowModel:
    """Load a fold of a classifier or sentence encoder, in fp32 and evaluation mode.

    Raises:
        FoldshipError: the weights are missing, cut short, or do not fit the network.
    """
    card = load_card(folder)
    path = folder / f"fold{fold}" / WEIGHTS
    encoder: Encoder
    try:
        if card.kind == SENTENCES:
            encoder = foreign.sentence_encoder(card.source, card.pooling, card.dense, attention)
        else:
            encoder = foreign.classifier(card.source, attention)
    except (OSError, ValueError) as error:
        raise FoldshipError(
            f"{card.source}: the network cannot be built",
            found=str(error).partition("\n")[0],
            fix=AGAIN,
        ) from error
    loading.restore(encoder, path, AGAIN)
    return RowModel(encoder, card.head()).eval()
