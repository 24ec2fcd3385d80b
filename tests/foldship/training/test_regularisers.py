from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, kl_divergence
from torch.nn import functional

from foldship.config.objective import Smart
from foldship.training import regularisers
from foldship.training.regularisers import RandomState, distance, smart
from foldship_kernel.tasks import CLASSES, NUMBERS

CPU = torch.device("cpu")
KL = distance(NUMBERS, "kl")


class Reader(nn.Module):
    """Word embeddings, dropout, and a bend, so that the direction of a change matters."""

    def __init__(self) -> None:
        super().__init__()
        self.embeddings = nn.Embedding(20, 8)
        self.dropout = nn.Dropout(0.5)
        self.linear = nn.Linear(8, 3)

    def forward(self, ids: Tensor) -> Tensor:
        outputs: Tensor = self.linear(torch.tanh(self.dropout(self.embeddings(ids)).mean(1)))
        return outputs


@pytest.fixture
def reader() -> Reader:
    torch.manual_seed(0)
    return Reader().train()


def term(reader: Reader, ids: Tensor, **settings: Any) -> Tensor:
    before = RandomState.now(CPU)
    outputs = reader(ids)
    return smart(Smart(**settings), reader.embeddings, lambda: reader(ids), outputs, before, KL)


def test_the_closed_form_is_the_divergence_both_ways() -> None:
    first, second = torch.randn(5, 4, dtype=torch.float64), torch.randn(5, 4, dtype=torch.float64)
    p, q = Bernoulli(logits=first), Bernoulli(logits=second)
    expected = (kl_divergence(p, q) + kl_divergence(q, p)).mean()
    torch.testing.assert_close(KL(first, second).double(), expected, atol=1e-5, rtol=1e-5)
    assert float(KL(first, first)) == 0


def test_a_pass_can_be_repeated_with_the_same_dropout(reader: Reader) -> None:
    ids = torch.arange(12).reshape(3, 4)
    before = RandomState.now(CPU)
    first, other = reader(ids), reader(ids)
    after = torch.get_rng_state()
    with before.again(CPU):
        again = reader(ids)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), after)


def test_the_embeddings_are_the_only_change(reader: Reader) -> None:
    ids = torch.arange(12).reshape(3, 4)
    assert 0 < term(reader, ids, epsilon=1e-4).item() < 1e-6
    for parameter in reader.parameters():
        assert parameter.grad is None
    assert not reader.embeddings._forward_hooks


def test_no_component_of_the_change_exceeds_epsilon(reader: Reader) -> None:
    ids = torch.arange(12).reshape(3, 4)
    plain = reader.embeddings(ids)
    seen: list[Tensor] = []
    reader.dropout.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    term(reader, ids, epsilon=0.01, steps=3, step_size=1.0)
    changes = [(embedded - plain).abs().max() for embedded in seen[1:]]  # the first pass is without one
    assert len(changes) == 4
    assert all(0 < float(change) <= 0.01 + 1e-6 for change in changes)


def test_the_change_climbs(reader: Reader) -> None:
    """A step uphill makes more of a difference than a change at random of the same size."""
    ids = torch.arange(12).reshape(3, 4)
    seen: list[float] = []
    before = RandomState.now(CPU)
    outputs = reader(ids)

    def forward() -> Tensor:
        moved: Tensor = reader(ids)
        seen.append(KL(moved, outputs).item())
        return moved

    smart(Smart(epsilon=0.05, steps=5, step_size=0.05), reader.embeddings, forward, outputs, before, KL)
    assert len(seen) == 6
    assert seen[-1] > 1.5 * seen[0]


def test_the_term_teaches_and_the_same_seed_gives_the_same(reader: Reader) -> None:
    ids = torch.arange(12).reshape(3, 4)
    found = []
    for _ in range(2):
        reader.zero_grad()
        torch.manual_seed(4)
        term(reader, ids, epsilon=0.05).backward()
        gradient = reader.linear.weight.grad
        assert gradient is not None
        assert torch.isfinite(gradient).all()
        assert gradient.any()
        found.append(gradient.clone())
    assert torch.equal(*found)


class HalfPrecision(torch.autograd.Function):
    """Changes nothing on the way there, and takes gradients through fp16 on the way back."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return values.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient.half().float()


def test_in_half_precision_too_a_direction_is_found(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its gradient is smaller than any number of fp16, unless it is scaled."""
    found: list[Tensor] = []
    climb = regularisers._Change.climb

    def watched(change: regularisers._Change, gradient: Tensor) -> None:
        found.append(gradient)
        climb(change, gradient)

    monkeypatch.setattr(regularisers._Change, "climb", watched)
    ids = torch.randint(0, 20, (64, 160))

    def forward() -> Tensor:
        outputs: Tensor = reader.linear(torch.tanh(HalfPrecision.apply(reader.embeddings(ids)).mean(1)))
        return outputs

    smart(Smart(), reader.embeddings, forward, forward(), RandomState.now(CPU), KL)
    (gradient,) = found
    assert float((gradient != 0).float().mean()) > 0.9
    assert torch.isfinite(gradient).all()


def test_frozen_embeddings_can_be_changed_too(reader: Reader) -> None:
    reader.embeddings.requires_grad_(False)
    term(reader, torch.arange(12).reshape(3, 4), epsilon=0.05).backward()
    assert reader.embeddings.weight.grad is None
    assert reader.linear.weight.grad is not None


def test_classes_are_one_distribution_a_row() -> None:
    first, second = (torch.randn(5, 4, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    logs = [functional.log_softmax(logits, dim=1) for logits in (first, second)]
    there, back = (
        functional.kl_div(logs[one], logs[other], log_target=True, reduction="batchmean")
        for one, other in ((0, 1), (1, 0))
    )
    torch.testing.assert_close(distance(CLASSES, "kl")(first, second), there + back)


@pytest.mark.parametrize(("kind", "outputs"), [(NUMBERS, torch.sigmoid), (CLASSES, lambda x: x.softmax(1))])
def test_the_form_for_regression_compares_outputs(kind: str, outputs: Any) -> None:
    first, second = torch.randn(5, 3), torch.randn(5, 3)
    squares = (outputs(first) - outputs(second)) ** 2
    expected = squares.mean() if kind == NUMBERS else squares.sum(1).mean()
    torch.testing.assert_close(distance(kind, "mse")(first, second), expected)
