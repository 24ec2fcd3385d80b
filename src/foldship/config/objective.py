"""What training learns from: losses, regularisers and pseudo-labels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat

from foldship.config.base import Positive, Settings


class Bce(Settings):
    """Binary cross-entropy of the logits; targets may lie anywhere in [0, 1]."""

    kind: Literal["bce"] = "bce"
    weight: Positive = 1.0


class Mse(Settings):
    """Squared error of the sigmoid outputs."""

    kind: Literal["mse"]
    weight: Positive = 1.0


class SmoothL1(Settings):
    """Squared error below `beta`, absolute error above, of the sigmoid outputs."""

    kind: Literal["smooth_l1"]
    weight: Positive = 1.0
    beta: Positive = 0.1


class Huber(Settings):
    """`delta` times the smooth L1 loss with `beta` = `delta`."""

    kind: Literal["huber"]
    weight: Positive = 1.0
    delta: Positive = 0.1


class L1(Settings):
    """Absolute error of the sigmoid outputs."""

    kind: Literal["l1"]
    weight: Positive = 1.0


class CrossEntropy(Settings):
    """Cross-entropy of the classes."""

    kind: Literal["cross_entropy"]
    weight: Positive = 1.0


class Focal(Settings):
    """Cross-entropy in which rows that are right already count less (https://arxiv.org/abs/1708.02002)."""

    kind: Literal["focal"]
    weight: Positive = 1.0
    gamma: NonNegativeFloat = 2.0


class Ldam(Settings):
    """Cross-entropy with a margin that is the larger, the rarer a class is (https://arxiv.org/abs/1906.07413).

    `margin` is that of the rarest class; logits are multiplied by `scale` in the loss alone.
    """

    kind: Literal["ldam"]
    weight: Positive = 1.0
    margin: Positive = 0.5
    scale: Positive = 1.0


class MarginRanking(Settings):
    """Pairs of a batch's rows whose logits do not lie `margin` apart in the targets' order."""

    kind: Literal["margin_ranking"]
    weight: Positive = 1.0
    margin: NonNegativeFloat = 0.1


class SoftSpearman(Settings):
    """1 less the rank correlation within the batch, ranks made of sigmoids of logits over `temperature`."""

    kind: Literal["soft_spearman"]
    weight: Positive = 1.0
    temperature: Positive = 0.5


OfNumbers = Bce | Mse | L1 | SmoothL1 | Huber | MarginRanking | SoftSpearman
OfClasses = CrossEntropy | Focal | Ldam
Loss = Annotated[OfNumbers | OfClasses, Field(discriminator="kind")]

# AdamW, in 8 bits on CUDA; or torch.optim's own, by their names in small letters.
Optimizer = Literal[
    "auto",
    "adamw",
    "adamw_8bit",
    "adam",
    "nadam",
    "radam",
    "adamax",
    "adagrad",
    "adadelta",
    "adafactor",
    "rmsprop",
    "sgd",
]

# How far two passes are apart: the symmetric Kullback-Leibler divergence, or the outputs' squared difference.
Distance = Literal["kl", "mse"]


class RDrop(Settings):
    """Two passes with different dropout must agree (https://arxiv.org/abs/2106.14448).

    The paper's form for regression has squared differences for its distance.
    """

    weight: Positive = 1.0
    distance: Distance = "kl"


class Smart(Settings):
    """Outputs must bear a small change of the word embeddings (https://arxiv.org/abs/1911.03437).

    The change starts at random and takes `steps` steps of `step_size` uphill; no component ever exceeds
    `epsilon`. The paper's own 1e-5 drowns in the rounding of bf16.
    """

    weight: Positive = 1.0
    epsilon: Positive = 1e-3
    steps: int = Field(default=1, ge=1)
    step_size: Positive = 1e-3
    distance: Distance = "kl"


class PseudoLabels(Settings):
    """Test rows with the predictions of `teacher`, an earlier model of the experiment, fold by fold."""

    teacher: str
    weight: Positive = 0.5
    stages: Literal["all", "first"] = "all"
