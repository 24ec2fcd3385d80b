"""From the towers' pooled vectors and the features to logits."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from foldship.config.network import Head
from foldship.modelling.ordinal import OrdinalDecode
from foldship_kernel.errors import FoldshipError

IMPOSSIBLE = -30.0  # added to the logit of a class that cannot be


@dataclass(frozen=True)
class Inputs:
    """What a head reads of a row.

    Attributes:
        towers: number of token sequences.
        width: of a sequence's pooled vector.
        features: width of the feature vector, which begins with the one-hot columns.
        one_hots: width of each one-hot metadata column, in order.
        embedding: width of the learned embedding of each of these; None takes them as they are.
        names: of these columns.
    """

    towers: int
    width: int
    features: int
    one_hots: tuple[int, ...] = ()
    embedding: int | None = None
    names: tuple[str, ...] = ()


class Metadata(nn.Module):
    """One-hot columns to learned embeddings; the features behind them stay as they are.

    A missing value, which has only zeros, is embedded as zeros.
    """

    def __init__(self, inputs: Inputs) -> None:
        super().__init__()
        embedding = inputs.embedding or 0
        hot = sum(inputs.one_hots)
        self._sizes = [*inputs.one_hots, inputs.features - hot]
        self.embeddings = nn.ModuleList(nn.Linear(size, embedding, bias=False) for size in inputs.one_hots)
        self.width = embedding * len(inputs.one_hots) + inputs.features - hot

    def forward(self, features: Tensor) -> Tensor:
        """(N, F) float32 -> (N, width) float32."""
        *columns, rest = features.split(self._sizes, dim=1)
        embedded = [layer(column) for layer, column in zip(self.embeddings, columns, strict=True)]
        joined: Tensor = torch.cat([*embedded, rest], dim=1)
        return joined


class PerTarget(nn.Module):
    """A hidden layer for each target: one product for all first layers, one for all second ones.

    Args:
        width: of the input.
        hidden: width of each target's hidden layer.
        outputs: the target of each output.
        dropout: before the second layers.
    """

    target_of: Tensor

    def __init__(self, width: int, hidden: int, outputs: Sequence[str], dropout: float) -> None:
        super().__init__()
        targets = list(dict.fromkeys(outputs))
        self._shape = (len(targets), hidden)
        self.first = nn.Linear(width, len(targets) * hidden)
        self.rest = nn.Sequential(nn.GELU(), nn.Dropout(dropout))
        # As `nn.Linear` begins: uniform, by the width that an output reads.
        bound = 1 / math.sqrt(hidden)
        self.weight = nn.Parameter(torch.empty(len(outputs), hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(len(outputs)).uniform_(-bound, bound))
        places = torch.tensor([targets.index(target) for target in outputs])
        self.register_buffer("target_of", places, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, width) float32 -> (N, C) float32."""
        hidden: Tensor = self.rest(self.first(inputs)).unflatten(1, self._shape)
        outputs: Tensor = (hidden[:, self.target_of] * self.weight).sum(-1) + self.bias
        return outputs


class RowHead(nn.Module):
    """Vectors of some towers and the features to logits.

    Args:
        inputs: what there is to read.
        outputs: the target of each output, outputs of a target side by side.
        config: the layers.
        towers: which towers are read, in order; None reads all.
    """

    def __init__(
        self, inputs: Inputs, outputs: Sequence[str], config: Head, towers: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        self._width = inputs.width
        self._towers = tuple(range(inputs.towers) if towers is None else towers)
        self._reads_all = self._towers == tuple(range(inputs.towers))
        self._interactions = config.interactions and len(self._towers) > 1
        self._samples = config.samples
        self.metadata = None if inputs.embedding is None else Metadata(inputs)
        width = inputs.width * (len(self._towers) + 2 * self._interactions)
        width += inputs.features if self.metadata is None else self.metadata.width
        self.norm = nn.LayerNorm(width) if config.norm else None
        layers: list[nn.Module] = [nn.Dropout(config.dropout)]
        if not config.hidden:
            layers.append(nn.Linear(width, len(outputs)))
        elif config.per_target:
            layers.append(PerTarget(width, config.hidden, outputs, config.dropout))
        else:
            for number in range(config.layers):
                into = config.hidden if number else width
                layers += [nn.Linear(into, config.hidden), nn.GELU(), nn.Dropout(config.dropout)]
            layers.append(nn.Linear(config.hidden, len(outputs)))
        self.layers = nn.Sequential(*layers)

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, towers * width) and (N, F) float32 -> (N, C) float32."""
        joined = self.join(pooled, features)
        if self.training and self._samples > 1:
            # Multi-sample dropout, https://arxiv.org/abs/1905.09788: all masks in one pass.
            several: Tensor = self.layers(joined.repeat(self._samples, 1))
            return torch.stack(several.chunk(self._samples)).mean(0)
        logits: Tensor = self.layers(joined)
        return logits

    def join(self, pooled: Tensor, features: Tensor) -> Tensor:
        """What the first layer reads: (N, towers * width) and (N, F) to (N, inputs), features last."""
        parts = [pooled] if self._reads_all else [self._of(pooled, tower) for tower in self._towers]
        if self._interactions:
            one, two = (self._of(pooled, tower) for tower in self._towers[:2])
            parts += [one * two, (one - two).abs()]
        parts.append(features if self.metadata is None else self.metadata(features))
        joined = torch.cat(parts, dim=-1)
        return joined if self.norm is None else self.norm(joined)

    def _of(self, pooled: Tensor, tower: int) -> Tensor:
        return pooled[:, tower * self._width : (tower + 1) * self._width]


class ViewsHead(nn.Module):
    """A head for each group of targets, on the towers that these may read.

    Args:
        inputs, outputs, config: as of `RowHead`; `config.views` says which targets read what.

    Raises:
        FoldshipError: a target is in no view or in several, or a view has none.
    """

    order: Tensor

    def __init__(self, inputs: Inputs, outputs: Sequence[str], config: Head) -> None:
        super().__init__()
        places = split(config.views, outputs)
        self.views = nn.ModuleList(
            RowHead(inputs, [outputs[place] for place in places[prefix]], config, towers)
            for prefix, towers in config.views.items()
        )
        order = torch.tensor([place for prefix in config.views for place in places[prefix]]).argsort()
        self.register_buffer("order", order, persistent=False)

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, towers * width) and (N, F) float32 -> (N, C) float32."""
        return torch.cat([view(pooled, features) for view in self.views], dim=1)[:, self.order]


class Cascade(nn.Module):
    """Of classes: whether a row is of any but one of them, then of which.

    Two heads of their own on the same vectors; the product of their probabilities is learnt and predicted, so
    that a doubtful first answer does not settle the second.

    Args:
        inputs, outputs, config: as of `RowHead`; `config.cascade` is the class that stands for none.
    """

    def __init__(self, inputs: Inputs, outputs: Sequence[str], config: Head) -> None:
        super().__init__()
        self._place = list(outputs).index(str(config.cascade))
        self.any = RowHead(inputs, ["any"], config)
        self.which = RowHead(inputs, [name for name in outputs if name != config.cascade], config)

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, towers * width) and (N, F) float32 -> (N, C) logarithms of probabilities."""
        doubt = self.any(pooled, features)
        some = functional.logsigmoid(doubt) + functional.log_softmax(self.which(pooled, features), dim=1)
        none = functional.logsigmoid(-doubt)
        return torch.cat([some[:, : self._place], none, some[:, self._place :]], dim=1)


class Restricted(nn.Module):
    """A head of which some classes are impossible in some categories.

    Args:
        head: to (N, C) logits.
        outputs: number of classes.
        columns: where in the features the category's one-hot columns are. A row of no known category has all
            classes.
    """

    forbidden: Tensor

    def __init__(self, head: nn.Module, outputs: int, columns: slice) -> None:
        super().__init__()
        self.head, self.columns = head, columns
        self.register_buffer("forbidden", torch.zeros(columns.stop - columns.start, outputs))

    def learn(self, features: Tensor, targets: Tensor) -> None:
        """Forbid what no row has: features (N, F), targets (N, C) of which the largest is the row's class."""
        classes = functional.one_hot(targets.argmax(1), targets.shape[1]).to(features.dtype)
        seen = features[:, self.columns].T @ classes
        known = seen.sum(1, keepdim=True) > 0
        self.forbidden.copy_(torch.where((seen == 0) & known, IMPOSSIBLE, 0.0))

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, towers * width) and (N, F) float32 -> (N, C) float32."""
        logits: Tensor = self.head(pooled, features) + features[:, self.columns] @ self.forbidden
        return logits


class Decoded(nn.Module):
    """A head whose outputs are more than one a target: as they are in training, decoded in evaluation.

    Args:
        head: to (N, C) outputs.
        decode: (N, C) outputs to (N, targets) logits.
    """

    def __init__(self, head: nn.Module, decode: OrdinalDecode) -> None:
        super().__init__()
        self.head, self.decode = head, decode

    def forward(self, pooled: Tensor, features: Tensor) -> Tensor:
        """(N, towers * width) and (N, F) float32 -> (N, C) in training, else (N, targets), float32."""
        outputs: Tensor = self.head(pooled, features)
        if self.training:
            return outputs
        logits: Tensor = self.decode(outputs)
        return logits


def build(
    inputs: Inputs, outputs: Sequence[str], config: Head, decode: OrdinalDecode | None = None
) -> nn.Module:
    """A fresh head, initialised from torch's global seed.

    Args:
        inputs: what there is to read of a row.
        outputs: the target of each output, outputs of a target side by side.
        config: the layers.
        decode: turns the outputs into one logit a target, (N, C) to (N, targets); None where they are that.

    Raises:
        FoldshipError: `head.views`, `head.cascade` or `head.restrict` does not fit the targets or features.
    """
    if config.cascade is not None and config.cascade not in outputs:
        raise FoldshipError(
            f"head.cascade: there is no class {config.cascade!r}",
            expected=f"one of {', '.join(outputs)}",
            fix="correct the name in head.cascade",
        )
    kind = ViewsHead if config.views else Cascade if config.cascade else RowHead
    head: nn.Module = kind(inputs, outputs, config)
    if config.restrict is not None:
        head = Restricted(head, len(outputs), _place(inputs, config.restrict))
    return head if decode is None else Decoded(head, decode)


def _place(inputs: Inputs, column: str) -> slice:
    """Where a category's one-hot columns are among the features.

    Raises:
        FoldshipError: there are none.
    """
    if column not in inputs.names:
        raise FoldshipError(
            f"head.restrict: {column!r} is no feature",
            expected=f"one of {', '.join(inputs.names)}"
            if inputs.names
            else "a column of features.categories",
            fix="name it in features.categories, too",
        )
    number = inputs.names.index(column)
    start = sum(inputs.one_hots[:number])
    return slice(start, start + inputs.one_hots[number])


def split(views: Mapping[str, Sequence[int]], outputs: Sequence[str]) -> dict[str, list[int]]:
    """Places of the outputs of each view, by its prefix.

    Raises:
        FoldshipError: a target is in no view or in several, or a view has none.
    """
    found: dict[str, list[int]] = {prefix: [] for prefix in views}
    for place, target in enumerate(outputs):
        fitting = [prefix for prefix in views if target.startswith(prefix)]
        if len(fitting) != 1:
            raise FoldshipError(
                f"head.views: the target {target!r} is in {'several views' if fitting else 'no view'}",
                expected="prefixes that fit each target exactly once",
                found=", ".join(repr(prefix) for prefix in fitting or views),
                fix="correct the prefixes in head.views",
            )
        found[fitting[0]].append(place)
    empty = [prefix for prefix, places in found.items() if not places]
    if empty:
        raise FoldshipError(
            f"head.views: no target begins with {empty[0]!r}",
            expected="prefixes of the competition's targets",
            found=", ".join(dict.fromkeys(outputs)),
            fix="correct or remove the prefix in head.views",
        )
    return found
