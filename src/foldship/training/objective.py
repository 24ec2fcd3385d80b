"""What a batch is judged by: losses, and regularisers where the encoder learns."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from foldship.config.schema import Model
from foldship.config.stages import Stage
from foldship.modelling.heads import Decoded
from foldship.modelling.model import RowModel
from foldship.training import losses, regularisers
from foldship.training.losses import Criterion
from foldship.training.regularisers import RandomState, symmetric_kl


class Objective:
    """The loss of a batch, with the passes that it takes.

    Args:
        criterion: of outputs and targets.
        config: which regularisers there are.
        stage: in a stage that trains the head alone none act.
        model: the network; its word embeddings are what `smart` changes.
    """

    def __init__(self, criterion: Criterion, config: Model, stage: Stage, model: RowModel) -> None:
        self._criterion = criterion
        acts = stage.train != "head"
        self._r_drop = config.r_drop if acts else None
        self._smart = config.smart if acts else None
        self._model = model

    def __call__(self, forward: nn.Module, inputs: dict[str, Any]) -> tuple[Tensor, Tensor]:
        """Scalar loss, and the outputs (N, K) of the first pass.

        Args:
            forward: the network, or a wrapper around it.
            inputs: as the collator makes them.
        """
        inputs = dict(inputs)
        labels, weights = inputs.pop("labels"), inputs.pop("weights", None)
        before = RandomState.now(labels.device)
        outputs: Tensor = forward(**inputs)
        loss = self._criterion(outputs, labels, weights)
        if self._r_drop is not None:
            again: Tensor = forward(**inputs)
            loss = (loss + self._criterion(again, labels, weights)) / 2
            loss = loss + self._r_drop.weight * symmetric_kl(outputs, again) / 2
        if self._smart is not None:
            backbone: Any = self._model.encoder.backbone
            loss = loss + self._smart.weight * regularisers.smart(
                self._smart,
                backbone.get_input_embeddings(),
                lambda: forward(**inputs),
                outputs,
                before,
            )
        return loss, outputs


def build(config: Model, stage: Stage, model: RowModel, targets: tuple[str, ...]) -> Objective:
    """The objective of one stage; `targets` names the C targets.

    Raises:
        FoldshipError: `column_weights` does not fit the targets.
    """
    decode = model.head.decode if isinstance(model.head, Decoded) else None
    return Objective(losses.criterion(config, targets, decode), config, stage, model)
