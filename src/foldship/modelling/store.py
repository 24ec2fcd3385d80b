"""Trained folds on disk: `model.json` once a model, `model.safetensors` once a fold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from numpy.typing import NDArray
from safetensors.torch import save_file

from foldship.config.network import deepest
from foldship.config.schema import Folds, Model
from foldship.modelling import backbone, costs, loading
from foldship.modelling import model as network
from foldship.modelling.model import RowModel
from foldship.modelling.ordinal import Grid, OrdinalDecode
from foldship_kernel.atomic import replacing, write_json
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.errors import FoldshipError
from foldship_kernel.features import FeatureSpec
from foldship_kernel.manifest import Cost
from foldship_kernel.tasks import Task

CARD = "model.json"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer/tokenizer.json"
OUT_OF_FOLD = "oof.csv"
ADAPTED = "adapted"  # folder beside the models', and key in the card
FROZEN = "frozen"  # folder beside the models'


@dataclass(frozen=True)
class ModelCard:
    """What all folds of a model share.

    Attributes:
        name: as in the experiment.
        task: its competition.
        source: what `from_pretrained` takes for the backbone; found anew on each load.
        config: the model's settings.
        encoding, features: how rows become inputs.
        data: hash of the training rows.
        fingerprint: hash of all that training depends on.
        grid: levels of the targets where they are ordinal.
        seed: of the training.
        folds: how the rows were split.
        base: of adapters, hash of the weights that they were trained on; "" of whole folds.
    """

    name: str
    task: Task
    source: str
    config: Model
    encoding: EncodingSpec
    features: FeatureSpec
    data: str
    fingerprint: str
    grid: Grid | None = None
    seed: int = 0
    folds: Folds = field(default_factory=Folds)
    base: str = ""

    @property
    def targets(self) -> tuple[str, ...]:
        """Output names, in order."""
        return self.task.targets

    @property
    def backbone(self) -> str:
        """The backbone as the experiment names it."""
        return self.config.backbone

    def cost(self, lengths: NDArray[Any], rows: int) -> Cost:
        """What a fold costs, see `costs.cost`."""
        return costs.cost(self.source, lengths, rows, deepest(self.config.pooling))

    @property
    def outputs(self) -> list[str]:
        """The target of each of the head's outputs."""
        return [self.targets[place] for place in self.grid.owners] if self.grid else list(self.targets)

    @property
    def decode(self) -> OrdinalDecode | None:
        """What makes one logit a target of the outputs, where there are more."""
        return OrdinalDecode(self.grid) if self.grid else None

    def save(self, folder: Path) -> None:
        value = {
            "name": self.name,
            "competition": self.task.name,
            "backbone": self.config.backbone,
            "data": self.data,
            "fingerprint": self.fingerprint,
            "seed": self.seed,
            "folds": self.folds.model_dump(),
            "base": self.base,
            "task": asdict(self.task),
            "encoding": asdict(self.encoding),
            "features": asdict(self.features),
            "grid": None if self.grid is None else asdict(self.grid),
            "config": self.config.model_dump(mode="json"),
        }
        if self.config.adaptation is not None:
            value[ADAPTED] = Path(self.source).name
        write_json(folder / CARD, value)


def load_card(folder: Path) -> ModelCard:
    """Read `model.json`.

    Raises:
        FoldshipError: there is none, or it is of another version.
    """
    path = folder / CARD
    try:
        value: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        config = Model.model_validate(value["config"])
        return ModelCard(
            name=value["name"],
            task=Task.from_dict(value["task"]),
            source=str(folder.parent / ADAPTED / value[ADAPTED])
            if ADAPTED in value
            else backbone.locate(config.backbone, folder.parent.parent),
            config=config,
            encoding=EncodingSpec.from_dict(value["encoding"]),
            features=FeatureSpec.from_dict(value["features"]),
            data=value["data"],
            fingerprint=value["fingerprint"],
            grid=Grid.from_dict(value["grid"]) if value.get("grid") else None,
            seed=value["seed"],
            folds=Folds.model_validate(value["folds"]),
            base=value.get("base", ""),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FoldshipError(
            f"{path}: no trained model that can be read",
            found=str(error).splitlines()[0],
            fix="run `make train`; what cannot be read is set aside",
        ) from error


def fingerprint(folder: Path) -> str:
    """Hash of all that the model in `folder` was trained on; empty when its card cannot be read."""
    try:
        return str(json.loads((folder / CARD).read_text(encoding="utf-8"))["fingerprint"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def folds(folder: Path) -> list[int]:
    """Numbers of the folds that the model's out-of-fold predictions come from.

    Raises:
        FoldshipError: training did not end.
    """
    path = folder / OUT_OF_FOLD
    if not path.is_file():
        done = sorted(p.parent.name for p in folder.glob(f"fold*/{OUT_OF_FOLD}"))
        raise FoldshipError(
            f"{path}: there are no out-of-fold predictions",
            found=f"finished folds: {', '.join(done) or 'none'}",
            fix="run `make train` with the same DATA and RECIPE; it goes on where it stopped",
        )
    return sorted(int(number) for number in set(pd.read_csv(path, usecols=["fold"])["fold"]))


def out_of_fold(folder: Path, id_column: str) -> pd.DataFrame:
    """Out-of-fold predictions of a model: ids as str, one float64 column per target, `fold`.

    Raises:
        FoldshipError: training did not end.
    """
    folds(folder)
    return pd.read_csv(folder / OUT_OF_FOLD, dtype={id_column: str})


def save_fold(folder: Path, model: RowModel) -> None:
    """Write the weights that training changed: adapters, learned pooling and head, or everything.

    Of adapters that began as a part of the base weights, what is left of these goes with them: computed anew
    on another machine it would not be the same to the bit.
    """
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    adapters: Mapping[str, Any] = getattr(model.encoder.backbone, "peft_config", {})
    if adapters:
        rest = any(lora.init_lora_weights in {"olora", "pissa"} for lora in adapters.values())
        state = {
            name: tensor
            for name, tensor in state.items()
            if _is_adapter(name, rest) or not network.in_backbone(name)
        }
    with replacing(folder / WEIGHTS) as path:
        save_file(state, path)


def load_fold(model_dir: Path, fold: int, *, attention: str = "eager") -> RowModel:
    """Load a trained fold, adapters not merged, in fp32 and evaluation mode.

    The base is always read anew in full precision, also for folds trained on a 4-bit base: merging into
    quantised weights corrupts them.

    Raises:
        FoldshipError: the weights are missing, cut short, or do not fit the model's settings, or adapters
            were trained on another base than is there now.
    """
    card = load_card(model_dir)
    path = model_dir / f"fold{fold}" / WEIGHTS
    if card.base and backbone.weights_digest(card.source) != card.base:
        raise FoldshipError(
            f"{path}: its adapters were trained on other weights than the backbone has now",
            expected=f"{card.source} as it was when it was trained",
            found="other files of weights",
            fix="put the backbone's files back, or run `make train` again",
        )
    config, adapter = card.config, card.config.adapter
    rest = adapter is not None and adapter.changes_base
    if adapter is not None:  # where the adapters began is of no interest: all of them are read
        config = config.model_copy(update={"adapter": adapter.model_copy(update={"init": "default"})})
    model = network.build(
        config,
        card.source,
        features=card.features,
        outputs=card.outputs,
        decode=card.decode,
        spans=card.task.spans,
        attention=attention,
    )
    loading.restore(
        model,
        path,
        f"delete {path.parent} and run `make train` again",
        lambda name: adapter is None or _is_adapter(name, rest) or not network.in_backbone(name),
    )
    return model.eval()


def _is_adapter(name: str, rest: bool) -> bool:
    """Whether a weight is an adapter's, or, with `rest`, what an adapter left of a base weight."""
    return ".lora_" in name or (rest and name.endswith(".base_layer.weight"))
