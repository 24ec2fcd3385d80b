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


Loss = Annotated[Bce | Mse | SmoothL1 | Huber | MarginRanking | SoftSpearman, Field(discriminator="kind")]


class RDrop(Settings):
    """Two passes with different dropout must agree (https://arxiv.org/abs/2106.14448)."""

    weight: Positive = 1.0


class Smart(Settings):
    """Outputs must bear a small change of the word embeddings (https://arxiv.org/abs/1911.03437).

    The change starts at random and takes `steps` steps of `step_size` uphill; no component ever exceeds
    `epsilon`. The paper's own 1e-5 drowns in the rounding of bf16.
    """

    weight: Positive = 1.0
    epsilon: Positive = 1e-3
    steps: int = Field(default=1, ge=1)
    step_size: Positive = 1e-3


class PseudoLabels(Settings):
    """Test rows with the predictions of `teacher`, an earlier model of the experiment, fold by fold."""

    teacher: str
    weight: Positive = 0.5
    stages: Literal["all", "first"] = "all"
