"""What a batch is judged by: losses, and regularisers where the encoder learns."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from foldship.config.schema import Model
from foldship.config.stages import Stage
from foldship.modelling.heads import Decoded
from foldship.modelling.model import RowModel
from foldship.training import losses, regularisers
from foldship.training.losses import Criterion
from foldship.training.regularisers import RandomState, distance
from foldship_kernel.tasks import Task


class Objective:
    """The loss of a batch, with the passes that it takes.

    Args:
        criterion: of outputs and targets.
        config: which regularisers there are.
        stage: in a stage that trains the head alone none act.
        model: the network; its word embeddings are what `smart` changes.
        kind: of the targets.
    """

    def __init__(self, criterion: Criterion, config: Model, stage: Stage, model: RowModel, kind: str) -> None:
        self._criterion = criterion
        acts = stage.train != "head"
        self._r_drop = config.r_drop if acts else None
        self._smart = config.smart if acts else None
        self._model = model
        self._apart = {
            name: distance(kind, settings.distance)
            for name, settings in (("r_drop", self._r_drop), ("smart", self._smart))
            if settings is not None
        }

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
            loss = loss + self._r_drop.weight * self._apart["r_drop"](outputs, again) / 2
        if self._smart is not None:
            backbone: Any = self._model.encoder.backbone
            loss = loss + self._smart.weight * regularisers.smart(
                self._smart,
                backbone.get_input_embeddings(),
                lambda: forward(**inputs),
                outputs,
                before,
                self._apart["smart"],
            )
        return loss, outputs


def build(
    config: Model, stage: Stage, model: RowModel, task: Task, shares: NDArray[np.floating] | None = None
) -> Objective:
    """The objective of one stage.

    Args:
        config: the model's settings.
        stage: the stage's.
        model: the network.
        task: the competition.
        shares: (C,) mean of each target over the training rows.

    Raises:
        FoldshipError: losses or `column_weights` do not fit the targets.
    """
    decode = model.head.decode if isinstance(model.head, Decoded) else None
    return Objective(losses.criterion(config, task, decode, shares), config, stage, model, task.kind)
