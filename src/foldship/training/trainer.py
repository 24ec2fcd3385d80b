"""The Hugging Face Trainer with what a fold needs: two learning rates, grouped batches, rank evaluation."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import Sampler
from transformers import (
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from foldship.config.schema import Model
from foldship.config.stages import EarlyStopping, Stage
from foldship.modelling.model import RowModel
from foldship.training import parameters, precision, progress
from foldship.training.averaging import Average
from foldship.training.board import Board
from foldship.training.memory import GiveBack
from foldship_kernel.errors import FoldshipError

WHOLE = "whole"  # marker file: the checkpoint was written to its end
SCORE = "eval_score"
LOOK_EVERY = 20  # steps on a GPU


class DivergedError(FoldshipError):
    """The loss is not finite."""

    def of(self, name: str) -> FoldshipError:
        """The same, with the name of what was trained."""
        return FoldshipError(f"{name}: {self.what}", expected=self.expected, found=self.found, fix=self.fix)


def trainer_options(config: Model) -> dict[str, Any]:
    """What every training sets: the machine's number format, and batches that are taken as they are.

    Raises:
        FoldshipError: as `precision.choose`.
    """
    chosen = precision.choose(config)
    precision.announce(chosen)
    on_gpu = torch.cuda.is_available()
    return {
        "bf16": chosen == "bf16",
        "fp16": chosen == "fp16",
        "use_cpu": not on_gpu,
        "dataloader_pin_memory": on_gpu,
        "remove_unused_columns": False,
        "label_names": ["labels"],
    }


class SampledTrainer(Trainer):
    """Takes its rows in the order of a sampler of ours, on one GPU at most, and ends when it diverges.

    Args:
        sampler: order of the rows.
        args: where and how to train.
        options: what else `Trainer` takes.
    """

    def __init__(self, *, sampler: Sampler[int], args: TrainingArguments, **options: Any) -> None:
        # What is trained points into the batch as a whole, so that cannot be split over several GPUs.
        args._n_gpu = min(args.n_gpu, 1)
        super().__init__(args=args, **options)
        self._sampler = sampler
        self.add_callback(GiveBack())
        # The loss is a mean over the batch: let the Trainer divide it by the accumulation steps.
        self.model_accepts_loss_kwargs = False

    def training_step(self, *given: Any, **named: Any) -> Tensor:
        """One step, see `Trainer`; raises `DivergedError` where the loss is no number any more."""
        loss = super().training_step(*given, **named)
        # Looking at the loss makes a GPU wait.
        often = self.args.device.type == "cpu" or self.state.global_step % LOOK_EVERY == 0
        if often and not torch.isfinite(loss):
            raise DivergedError(
                "training diverged",
                expected="a finite loss",
                found=f"{float(loss)} at step {self.state.global_step + 1} of {self.state.max_steps}",
                fix="lower the learning rates, or set precision: fp32, and train again",
            )
        return loss

    def _get_train_sampler(self, train_dataset: Any = None) -> Sampler[int]:
        return self._sampler


class FoldTrainer(SampledTrainer):
    """Trains a `RowModel` on one stage.

    Args:
        model: the network.
        stage: learning rates of encoder and head.
        sampler: order of the rows.
        objective: the network and a batch to the loss, a scalar, and the logits.
        score: the model's out-of-fold score.
        optimizer: its name, see `foldship.config.objective.Optimizer`.
        average: what is evaluated in the weights' place.
        options: what `Trainer` takes.
    """

    def __init__(
        self,
        *,
        model: RowModel,
        stage: Stage,
        sampler: Sampler[int],
        objective: Callable[[nn.Module, dict[str, Any]], tuple[Tensor, Tensor]],
        score: Callable[[RowModel], float],
        optimizer: str,
        average: Average | None = None,
        **options: Any,
    ) -> None:
        super().__init__(sampler=sampler, model=model, **options)
        self._row_model = model
        self._stage, self._objective, self._score = stage, objective, score
        self._optimizer_name, self._average = optimizer, average

    def create_optimizer(self) -> torch.optim.Optimizer:
        """The optimizer on the groups of `parameters.groups`."""
        groups = parameters.groups(self._row_model, self._stage, self.args.weight_decay)
        self.optimizer = parameters.optimizer(self._optimizer_name, groups)
        return self.optimizer

    def compute_loss(
        self,
        model: nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Tensor | None = None,
    ) -> Any:
        """Mean loss of a batch, and the logits when asked for."""
        loss, logits = self._objective(model, inputs)
        return (loss, logits) if return_outputs else loss

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Score the rows held out, batched as in the kernel."""
        # What is scored is what the callbacks keep.
        with self._average.applied() if self._average else nullcontext():
            metrics = {SCORE: self._score(self._row_model)}
            self._row_model.train()
            self.log(metrics)
            self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


def progress_callback(stage: str) -> TrainerCallback:
    """What shows the progress of `stage`, or tells it to who listens; TensorBoard has the log lines."""
    tell = progress.listener()
    if tell is not None:
        return Telling(stage, tell)
    board = Board(sys.stderr)
    return Telling(stage, partial(board.show, ""), board.close)


class Telling(TrainerCallback):
    """Tells every step to who listens, and the end to who wants to know."""

    def __init__(
        self, stage: str, tell: Callable[[progress.Step], None], end: Callable[[], None] = lambda: None
    ) -> None:
        self._stage, self._tell, self._end, self._shown = stage, tell, end, ""

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._end()

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._tell(progress.Step(self._stage, state.global_step, state.max_steps))

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        self._tell(progress.Step(self._stage, state.global_step, state.max_steps, self._shown))

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: Mapping[str, float] | None = None,
        **_: Any,
    ) -> None:
        names = [name for name in ("loss", SCORE) if name in (logs or {})]
        if logs and names:
            self._shown = ", ".join(f"{name}={logs[name]:.4f}" for name in names)


class MarkWhole(TrainerCallback):
    """Marks a checkpoint once all of it is on disk, so that a kill in mid-write is not resumed from."""

    def on_save(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        (Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / WHOLE).touch()


@dataclass(frozen=True)
class Best:
    """The best evaluation so far: its score, and the step it was made at."""

    score: float = -math.inf
    step: int = 0


class KeepBest(TrainerCallback):
    """Early stopping that keeps the best state, whatever the checkpoints' rhythm; it sees the last step, too.

    Holds nothing that is not on disk, so that a resumed run stops where an uninterrupted one does.

    Args:
        config: patience, in evaluations.
        keep: writes a state that is the best so far.
        best: the best evaluation of an earlier, interrupted run.
    """

    def __init__(self, config: EarlyStopping, keep: Callable[[RowModel, Best], None], best: Best) -> None:
        self._config, self._keep, self._best = config, keep, best

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = True

    def on_evaluate(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **given: Any,
    ) -> None:
        score: float = given["metrics"][SCORE]
        # A resumed run comes by the same evaluation again.
        if score > self._best.score or state.global_step == self._best.step:
            self._best = Best(score, state.global_step)
            self._keep(given["model"], self._best)
        elif self.has_stopped(state.global_step, int(args.eval_steps or 1)):
            control.should_training_stop = True  # never False: it may have come to its last step

    def has_stopped(self, step: int, every: int) -> bool:
        """Whether training has stopped at a step, or before it; it is evaluated `every` so many steps.

        Where no score was a number yet, as on held-out rows whose targets are all constant, it goes on.
        """
        scored = self._best.score > -math.inf
        return scored and (step - self._best.step) // every >= self._config.patience


def last_whole_checkpoint(folder: Path) -> Path | None:
    """The newest checkpoint in `folder` that was written to its end."""
    found = [path.parent for path in folder.glob(f"checkpoint-*/{WHOLE}")]
    return max(found, key=lambda path: int(path.name.rpartition("-")[2]), default=None)
