"""Networks of other makers as an encoder and a head: classifiers, sentence encoders, and what they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification

from foldship.config.adopting import Meaning
from foldship.modelling.backbone import attention_of
from foldship.modelling.model import Encoder
from foldship.modelling.ordinal import SMALLEST
from foldship_kernel.tasks import CLASSES

ACTIVATIONS = ("Identity", "Tanh", "ReLU", "GELU", "Sigmoid")  # by their names in torch


@dataclass(frozen=True)
class Dense:
    """A layer above a sentence encoder's pooling; `activation` is one of ACTIVATIONS."""

    inputs: int
    outputs: int
    bias: bool
    activation: str


class Classifier(Encoder):
    """A transformers model with a classification head of its own: of a sequence it gives the logits."""

    def __init__(self, network: nn.Module) -> None:
        nn.Module.__init__(self)  # nothing is pooled here: the network does so itself
        config: Any = network.config
        self.backbone = network
        self.width = int(config.num_labels)

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        spans: Tensor | None = None,
    ) -> Tensor:
        """(B, L) int64 each -> (B, width) float32."""
        inputs: dict[str, Any] = {"input_ids": input_ids, "attention_mask": attention_mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        logits: Tensor = self.backbone(**inputs).logits
        return logits.float()


class SentenceEncoder(Encoder):
    """A sentence-transformers model but for its last step, a norm, which a cosine does not see.

    Args:
        network: a transformers encoder.
        pooling: what is read of its last layer.
        dense: the layers above.
    """

    def __init__(self, network: nn.Module, pooling: Sequence[str], dense: Sequence[Dense]) -> None:
        super().__init__(network, pooling)
        self.dense = nn.Sequential(
            *(
                nn.Sequential(
                    nn.Linear(layer.inputs, layer.outputs, bias=layer.bias), getattr(nn, layer.activation)()
                )
                for layer in dense
            )
        )
        self.width = dense[-1].outputs if dense else self.width

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor,
        token_type_ids: Tensor | None = None,
        spans: Tensor | None = None,
    ) -> Tensor:
        """(B, L) int64 each -> (B, width) float32."""
        vectors: Tensor = self.dense(super().forward(input_ids, attention_mask, token_type_ids))
        return vectors


class Outputs(nn.Module):
    """A model's own outputs to logits as Foldship means them.

    Args:
        mixture: (targets, outputs) shares of the outputs in each target's number.
        meaning: what that number is: a `logit`, a `value` in the target's own units, a `share` of its range,
            of a class its probability, or a `signed_share`, -1 for the lowest and 1 for the highest value.
        low, high: range of the targets.
        kind: of the targets.
    """

    mixture: Tensor

    def __init__(
        self, mixture: Sequence[Sequence[float]], meaning: Meaning, low: float, high: float, kind: str
    ) -> None:
        super().__init__()
        self._meaning, self._low, self._high, self._kind = meaning, low, high, kind
        self.register_buffer("mixture", torch.tensor(mixture, dtype=torch.float32), persistent=False)

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, outputs) and (N, F) float32 -> (N, targets) float32."""
        # What a graph does not read is dropped from its inputs, and the kernel feeds both.
        outputs = torch.cat([pooled, features], dim=1)[:, : self.mixture.shape[1]]
        values = (outputs.unsqueeze(1) * self.mixture).sum(-1)
        if self._meaning == "logit":
            return values
        if self._meaning == "value":
            values = (values - self._low) / (self._high - self._low)
        elif self._meaning == "signed_share":
            values = (1 + values) / 2
        above = values.clamp(min=SMALLEST, max=1.0).log()
        return above if self._kind == CLASSES else above - (1 - values).clamp(min=SMALLEST, max=1.0).log()


class Cosine(nn.Module):
    """The cosine of two towers' vectors, and what it means."""

    def __init__(self, outputs: Outputs) -> None:
        super().__init__()
        self.outputs = outputs

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, 2 * width) and (N, F) float32 -> (N, 1) float32."""
        one, other = (functional.normalize(vectors, dim=1) for vectors in pooled.chunk(2, dim=1))
        logits: Tensor = self.outputs((one * other).sum(1, keepdim=True), features)
        return logits


def classifier(source: str, attention: str) -> Classifier:
    """A classifier with the architecture in `source/config.json`, untrained."""
    config = AutoConfig.from_pretrained(source)
    how = attention_of(config, attention)
    return Classifier(AutoModelForSequenceClassification.from_config(config, attn_implementation=how))


def sentence_encoder(
    source: str, pooling: Sequence[str], dense: Sequence[Dense], attention: str
) -> SentenceEncoder:
    """A sentence encoder with the architecture in `source/config.json`, untrained."""
    config = AutoConfig.from_pretrained(source)
    network: Any = AutoModel.from_config(config, attn_implementation=attention_of(config, attention))
    if getattr(network, "pooler", None) is not None:
        network.pooler = None  # never read
    return SentenceEncoder(network, pooling, dense)
