from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from foldship.modelling.pooling import BiLSTM, Pooling
from foldship_kernel.errors import FoldshipError

KINDS: list[Any] = ["cls", "mean", "max", "sep", "mean@1", "layers_cls", "layers_mean", "lstm"]
LAYERS, WIDTH = 3, 8
LENGTHS = (5, 1, 7, 2)


def states(length: int = 7, seed: int = 0) -> list[Tensor]:
    """Of all layers and the embeddings, below 0 so that padding with 0 would be the maximum."""
    made = torch.randn(LAYERS + 1, len(LENGTHS), length, WIDTH, generator=torch.Generator().manual_seed(seed))
    return list(made - 5)


def mask(length: int = 7) -> Tensor:
    return (torch.arange(length) < torch.tensor(LENGTHS)[:, None]).long()


def pooling(*kinds: Any) -> Pooling:
    """With learned weights that are not all alike."""
    torch.manual_seed(1)
    made = Pooling(kinds, LAYERS, WIDTH)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.copy_(torch.randn_like(parameter))
    return made.eval()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("filling", [0.0, 1e4, -1e4])
def test_padding_never_changes_a_vector(kind: Any, filling: float) -> None:
    made, layers = pooling(kind), states()
    padded = [
        torch.cat([part, torch.full((len(LENGTHS), 3, WIDTH), filling)], dim=1).where(
            mask(10)[:, :, None] > 0, torch.tensor(filling)
        )
        for part in layers
    ]
    together = made(padded, mask(10))
    torch.testing.assert_close(together, made(layers, mask()))
    for row, length in enumerate(LENGTHS):
        alone = made(
            [part[row : row + 1, :length] for part in layers], torch.ones(1, length, dtype=torch.long)
        )
        torch.testing.assert_close(alone[0], together[row])


@pytest.mark.parametrize("kind", KINDS)
def test_every_real_token_that_is_read_counts_and_no_other(kind: Any) -> None:
    layers = [part.requires_grad_() for part in states()]
    pooling(kind)(layers, mask()).square().sum().backward()
    read = {
        "cls": [[0]] * 4,
        "layers_cls": [[0]] * 4,
        "sep": [[length - 1] for length in LENGTHS],
    }.get(kind, [list(range(length)) for length in LENGTHS])
    reached = torch.stack([part.grad.abs().sum(-1) for part in layers if part.grad is not None])
    for row, tokens in enumerate(read):
        found = reached[:, row].sum(0).nonzero().flatten().tolist()
        assert found == tokens if kind != "max" else set(found) <= set(tokens)
    assert len(reached) == (LAYERS + 1 if kind.startswith("layers") else 1)


def test_vectors_are_joined_in_the_order_asked_for() -> None:
    made, layers = pooling("sep", "max", "cls", "mean"), states()
    assert made.width == 4 * WIDTH
    rows = [part[:length] for part, length in zip(layers[-1], LENGTHS, strict=True)]
    expected = torch.stack([torch.cat([row[-1], row.amax(0), row[0], row.mean(0)]) for row in rows])
    torch.testing.assert_close(made(layers, mask()), expected)


@pytest.mark.parametrize("kind", ["layers_cls", "layers_mean"])
def test_layers_begin_with_equal_weights_and_follow_their_scores(kind: Any) -> None:
    made, layers = Pooling([kind], LAYERS, WIDTH), states()
    alone = [Pooling([kind.removeprefix("layers_")], LAYERS, WIDTH)([part], mask()) for part in layers]
    torch.testing.assert_close(made(layers, mask()), torch.stack(alone).mean(0))
    made.get_parameter("parts.0.scores").data[2] = 50.0
    torch.testing.assert_close(made(layers, mask()), alone[2])


def test_the_lstm_is_the_mean_of_a_bidirectional_one_over_packed_sequences() -> None:
    torch.manual_seed(0)
    ours, whole = BiLSTM(WIDTH), nn.LSTM(WIDTH, WIDTH // 2, batch_first=True, bidirectional=True)
    forwards, backwards = ours.forwards.state_dict(), ours.backwards.state_dict()
    whole.load_state_dict({**forwards, **{f"{name}_reverse": value for name, value in backwards.items()}})
    layers = states()
    packed = pack_padded_sequence(layers[-1], torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False)
    outputs = pad_packed_sequence(whole(packed)[0], batch_first=True)[0]
    expected = outputs.sum(1) / torch.tensor(LENGTHS)[:, None]
    torch.testing.assert_close(ours(layers, mask()), expected)


def test_an_odd_width_is_halved_downwards() -> None:
    made = Pooling(["lstm", "mean"], 1, 5)
    vectors = made([torch.randn(2, 3, 5)], torch.ones(2, 3, dtype=torch.long))
    assert vectors.shape[1] == made.width == 9


def test_spans_are_read_by_themselves() -> None:
    spans = torch.zeros(len(LENGTHS), max(LENGTHS), dtype=torch.long)
    longest = LENGTHS.index(max(LENGTHS))
    spans[longest, 1:4] = 1
    spans[longest, 3:6] += 2  # one token is in both
    made = Pooling(["first:one", "mean:one", "first:two", "mean:two"], LAYERS, WIDTH, ("one", "two"))
    layers = states()
    found = made(layers, mask(), spans)
    row = layers[-1][longest]
    expected = torch.cat([row[1], row[1:4].mean(0), row[3], row[3:6].mean(0)])
    torch.testing.assert_close(found[longest], expected)
    others = [number for number in range(len(LENGTHS)) if number != longest]
    assert not found[others].any()  # a sequence without a span has zeros there


def test_a_span_of_a_lower_layer() -> None:
    spans = torch.ones(len(LENGTHS), max(LENGTHS), dtype=torch.long)
    layers = states()
    found = Pooling(["first:one@1"], LAYERS, WIDTH, ("one",))(layers, mask(), spans)
    torch.testing.assert_close(found, layers[1][:, 0])


def test_a_span_that_there_is_not_is_refused() -> None:
    with pytest.raises(FoldshipError, match="first:three reads a span that the competition"):
        Pooling(["first:three"], LAYERS, WIDTH, ("one", "two"))
