"""Averages of the weights over the steps of training: what is evaluated and written in their place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn, get_swa_multi_avg_fn
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from foldship.config.stages import Averaging

FILE_NAME = "average.safetensors"
COUNT = "count"


class Average(TrainerCallback):
    """The mean of what learns: exponential (EMA) or plain (SWA, https://arxiv.org/abs/1803.05407).

    EMA's decay rises to its value as `(1 + n) / (10 + n)` with the n-th sample, so that the first
    weights do not weigh on a short training (as in TensorFlow's `ExponentialMovingAverage`).

    Args:
        config: the kind, and which steps count.
        model: whose parameters that learn are averaged.
        checkpoint: to go on from.
    """

    def __init__(self, config: Averaging, model: nn.Module, checkpoint: Path | None = None) -> None:
        self._config = config
        self._learning = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self._average: dict[str, Tensor] = {}
        self._count = 0
        if checkpoint is not None and (checkpoint / FILE_NAME).is_file():
            with safe_open(checkpoint / FILE_NAME, "pt") as file:
                self._count = int(file.metadata()[COUNT])
                self._average = {
                    name: file.get_tensor(name).to(p.device) for name, p in self._learning.items()
                }

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        first = max(1, math.ceil(self._config.start * state.max_steps))
        if state.global_step >= first and (state.global_step - first) % self._config.every == 0:
            self._take()

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if self._count:
            folder = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            tensors = {name: tensor.cpu().contiguous() for name, tensor in self._average.items()}
            save_file(tensors, folder / FILE_NAME, {COUNT: str(self._count)})

    def apply(self) -> None:
        """Put the average in the place of the weights, once there is one."""
        self._put(self._average)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside the block the model has the averaged weights."""
        kept = {name: self._learning[name].detach().clone() for name in self._average}
        self.apply()
        try:
            yield
        finally:
            self._put(kept)

    @torch.no_grad()
    def _put(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self._learning[name].copy_(value)

    @torch.no_grad()
    def _take(self) -> None:
        if not self._count:
            self._average = {name: p.detach().clone() for name, p in self._learning.items()}
        else:
            # `n` of the formula above: samples that came before.
            rising = (1 + self._count) / (10 + self._count)
            update: Any = (
                get_swa_multi_avg_fn()
                if self._config.kind == "swa"
                else get_ema_multi_avg_fn(min(self._config.decay, rising))
            )
            learning = [p.detach() for p in self._learning.values()]
            update(list(self._average.values()), learning, self._count)
        self._count += 1
