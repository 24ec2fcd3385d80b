"""From the states of a sequence's tokens to one vector, the same whatever the sequence is padded to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from foldship.config.network import FIRST, LSTM, PoolingKind, lowest
from foldship_kernel.errors import FoldshipError

# States (B, L, H) float32 and mask (B, L) int64 to one vector a sequence, (B, H) float32.
Read = Callable[[Tensor, Tensor], Tensor]


def first(states: Tensor, mask: Tensor) -> Tensor:
    """The state of the first token, [CLS]."""
    return states[:, 0]


def last(states: Tensor, mask: Tensor) -> Tensor:
    """The state of the last real token, [SEP]; padding is on the right."""
    place = (mask.sum(1) - 1)[:, None, None].expand(-1, 1, states.shape[2])
    return states.gather(1, place).squeeze(1)


def mean(states: Tensor, mask: Tensor) -> Tensor:
    """The mean over real tokens."""
    # Not a matrix product: attention fuses only where the layer below feeds three of them.
    real = mask.unsqueeze(-1).to(states.dtype)
    return (states * real).sum(1) / real.sum(1)


def largest(states: Tensor, mask: Tensor) -> Tensor:
    """The maximum over real tokens, by dimension."""
    return states.masked_fill(mask.unsqueeze(-1) == 0, torch.finfo(states.dtype).min).amax(1)


class OneLayer(nn.Module):
    """Reads one layer, the last one unless it has a number; learns nothing."""

    def __init__(self, read: Read, layer: int = -1) -> None:
        super().__init__()
        self._read, self._layer = read, layer

    def forward(self, layers: Sequence[Tensor], mask: Tensor, spans: Tensor | None = None) -> Tensor:
        """As `Pooling.forward`, (B, H)."""
        return self._read(layers[self._layer], mask)


class OneSpan(nn.Module):
    """Reads a span's tokens in one layer, zeros where a sequence does not have it; learns nothing.

    Args:
        bit: number of the span.
        only_first: whether its first token is read, an entity's marker (https://arxiv.org/abs/1906.03158), or
            the mean over its tokens (https://arxiv.org/abs/1905.08284).
        layer: number of the layer.
    """

    def __init__(self, bit: int, only_first: bool, layer: int = -1) -> None:
        super().__init__()
        self._place, self._only_first, self._layer = 2**bit, only_first, layer

    def forward(self, layers: Sequence[Tensor], mask: Tensor, spans: Tensor | None = None) -> Tensor:
        """As `Pooling.forward`, (B, H)."""
        assert spans is not None
        states = layers[self._layer]
        inside = (spans if self._place == 1 else torch.div(spans, self._place, rounding_mode="floor")) % 2
        if self._only_first:
            inside = inside * (inside.cumsum(1) == 1).to(inside.dtype)
        # Not a matrix product, see `mean`.
        chosen = inside.unsqueeze(-1).to(states.dtype)
        return (states * chosen).sum(1) / chosen.sum(1).clamp(min=1)


class AllLayers(nn.Module):
    """Reads every layer, the embeddings included, and sums what it read with learned weights.

    The weights are a softmax; they begin equal, so that an untrained sum is the mean over the layers. After
    the scalar mix of ELMo (https://arxiv.org/abs/1802.05365).
    """

    def __init__(self, read: Read, layers: int) -> None:
        super().__init__()
        self._read = read
        self.scores = nn.Parameter(torch.zeros(layers + 1))

    def forward(self, layers: Sequence[Tensor], mask: Tensor, spans: Tensor | None = None) -> Tensor:
        """As `Pooling.forward`, (B, H)."""
        read = torch.stack([self._read(states, mask) for states in layers], dim=1)
        return (read * self.scores.softmax(0).unsqueeze(-1)).sum(1)


class BiLSTM(nn.Module):
    """The mean over real tokens of an LSTM's states in both directions, each half as wide as the encoder.

    The way back is a second LSTM over every sequence turned round within its own length. So padding comes
    last in both directions, where it cannot reach a real token, and a graph needs no lengths.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.forwards = nn.LSTM(width, width // 2, batch_first=True)
        self.backwards = nn.LSTM(width, width // 2, batch_first=True)

    def forward(self, layers: Sequence[Tensor], mask: Tensor, spans: Tensor | None = None) -> Tensor:
        """As `Pooling.forward`, (B, 2 * (H // 2))."""
        states = layers[-1]
        place = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
        lengths = mask.sum(1, keepdim=True)
        turned = torch.where(place < lengths, lengths - 1 - place, place)
        back = states.gather(1, turned.unsqueeze(-1).expand_as(states))
        # A mean does not ask for the order, so the way back need not be turned again.
        read = (self.forwards(states)[0], self.backwards(back)[0])
        return torch.cat([mean(part.float(), mask) for part in read], dim=-1)


class Pooling(nn.Module):
    """What is read off the encoder's layers, joined.

    Args:
        kinds: what to read, in order; see docs/configuration.md.
        layers: number of the encoder's layers, embeddings not counted.
        width: of a token's state.
        spans: names of the spans that there are, in the order of their numbers.

    Raises:
        FoldshipError: a kind reads a layer or a span that there is not.
    """

    def __init__(
        self, kinds: Sequence[PoolingKind], layers: int, width: int, spans: Sequence[str] = ()
    ) -> None:
        super().__init__()
        self.parts = nn.ModuleList(_part(kind, layers, width, spans) for kind in kinds)
        self.every_layer = lowest(kinds) is not None
        self.width = sum(2 * (width // 2) if kind == LSTM else width for kind in kinds)

    def forward(self, layers: Sequence[Tensor], mask: Tensor, spans: Tensor | None = None) -> Tensor:
        """Pooled vectors, (B, width) float32.

        Args:
            layers: (B, L, H) float32 each, the last layer's states last; all of them and the embeddings where
                `every_layer` is true.
            mask: (B, L) int64, 1 for real tokens, which come first.
            spans: (B, L) int64, bit k for tokens of span k; needed where a span is read.
        """
        return torch.cat([part(layers, mask, spans) for part in self.parts], dim=-1)


def _part(kind: PoolingKind, layers: int, width: int, spans: Sequence[str]) -> nn.Module:
    if kind == LSTM:
        return BiLSTM(width)
    if kind == "layers_cls":
        return AllLayers(first, layers)
    if kind == "layers_mean":
        return AllLayers(mean, layers)
    reads: dict[str, Read] = {"cls": first, "mean": mean, "max": largest, "sep": last}
    name, _, number = kind.partition("@")
    if number and int(number) > layers:
        raise FoldshipError(
            f"pooling: {kind} reads a layer that the backbone does not have",
            expected=f"a number from 0, the embeddings, to {layers}",
            fix="correct the number in pooling",
        )
    layer = int(number) if number else -1
    name, of, span = name.partition(":")
    if not of:
        return OneLayer(reads[name], layer)
    if span not in spans:
        raise FoldshipError(
            f"pooling: {kind} reads a span that the competition's texts do not have",
            expected=f"one of {', '.join(spans)}" if spans else "no span: the competition has none",
            fix="correct the name in pooling",
        )
    return OneSpan(list(spans).index(span), name == FIRST, layer)
