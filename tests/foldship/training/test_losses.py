from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from declared import task_of
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from model_settings import config
from pydantic import TypeAdapter
from scipy.stats import spearmanr
from torch.nn import functional

from foldship.config.objective import Bce, Huber, Loss, Mse, SmoothL1
from foldship.modelling.ordinal import Grid, OrdinalDecode
from foldship.training.losses import Criterion, criterion, elementwise, margin_ranking, soft_spearman
from foldship_kernel.errors import FoldshipError
from foldship_kernel.tasks import CLASSES, NUMBERS, Task

KINDS: list[dict[str, Any]] = [
    {"kind": "bce"},
    {"kind": "mse"},
    {"kind": "smooth_l1"},
    {"kind": "huber"},
    {"kind": "margin_ranking"},
    {"kind": "soft_spearman"},
]
TWO, FOUR = task_of(NUMBERS, *"ab"), task_of(NUMBERS, *"abcd")
THREE = task_of(CLASSES, *"abc")


def tables(rows: st.SearchStrategy[int]) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
    def pair(n: int) -> st.SearchStrategy[tuple[np.ndarray, np.ndarray]]:
        logits = arrays.arrays(np.float32, (n, 3), elements=st.integers(-6, 6).map(lambda x: x / 2))
        labels = arrays.arrays(np.float32, (n, 3), elements=st.sampled_from([0.0, 0.25, 0.5, 1.0]))
        return st.tuples(logits, labels)

    return rows.flatmap(pair)


def one(**settings: Any) -> Criterion:
    loss: Loss = TypeAdapter(Loss).validate_python(settings)
    return Criterion((loss,))


def batch(rows: int = 9, columns: int = 4, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, columns, generator=random)
    return logits, torch.randint(0, 5, (rows, columns), generator=random) / 4


def test_by_default_the_loss_is_the_plain_cross_entropy() -> None:
    logits, targets = batch()
    found = criterion(config(), FOUR)(logits, targets)
    assert torch.equal(found, functional.binary_cross_entropy_with_logits(logits, targets))


def test_losses_of_outputs_are_those_of_the_book() -> None:
    logits, targets = batch()
    x, y = logits.double().numpy(), targets.double().numpy()
    p = 1 / (1 + np.exp(-x))
    gap = np.abs(p - y)
    expected = {
        Bce(): -(y * np.log(p) + (1 - y) * np.log(1 - p)),
        Mse(kind="mse"): gap**2,
        SmoothL1(kind="smooth_l1", beta=0.2): np.where(gap < 0.2, gap**2 / 0.4, gap - 0.1),
        Huber(kind="huber", delta=0.2): np.where(gap < 0.2, gap**2 / 2, 0.2 * (gap - 0.1)),
    }
    for loss, values in expected.items():
        np.testing.assert_allclose(elementwise(loss, logits, targets), values, rtol=1e-4, atol=1e-6)


@settings(deadline=None, max_examples=50)
@given(tables(st.integers(1, 12)), st.floats(0, 1))
def test_margin_ranking_is_that_of_torch_over_all_pairs(
    given: tuple[np.ndarray, np.ndarray], margin: float
) -> None:
    logits, labels = (torch.from_numpy(table) for table in given)
    found, usable = margin_ranking(logits, labels, margin)
    for column in range(3):
        pairs = [
            (i, j) for i in range(len(labels)) for j in range(i) if labels[i, column] != labels[j, column]
        ]
        assert usable[column] == bool(pairs)
        if pairs:
            first, second = (torch.tensor([pair[k] for pair in pairs]) for k in (0, 1))
            expected = functional.margin_ranking_loss(
                logits[first, column],
                logits[second, column],
                torch.sign(labels[first, column] - labels[second, column]),
                margin=margin,
            )
            torch.testing.assert_close(found[column], expected, atol=1e-5, rtol=1e-5)


@settings(deadline=None, max_examples=50)
@given(tables(st.integers(2, 30)))
def test_soft_spearman_becomes_spearman_as_the_temperature_falls(
    given: tuple[np.ndarray, np.ndarray],
) -> None:
    logits, labels = given
    found, usable = soft_spearman(torch.from_numpy(logits), torch.from_numpy(labels), 1e-3)
    for column in range(3):
        assert usable[column] == (len(np.unique(labels[:, column])) > 1)
        if usable[column] and len(np.unique(logits[:, column])) > 1:
            expected = spearmanr(logits[:, column], labels[:, column]).statistic
            assert float(found[column]) == pytest.approx(1 - expected, abs=1e-3)


def test_soft_spearman_leads_to_the_order_of_the_targets() -> None:
    _, targets = batch(12, 2, seed=3)
    logits = torch.zeros(12, 2).normal_(0, 0.1, generator=torch.Generator().manual_seed(1)).requires_grad_()
    optimiser = torch.optim.Adam([logits], lr=0.05)
    loss = one(kind="soft_spearman")
    for _ in range(200):
        optimiser.zero_grad()
        loss(logits, targets).backward()
        optimiser.step()
    for column in range(2):
        ranks = spearmanr(logits.detach()[:, column], targets[:, column]).statistic
        assert ranks > 0.95


@pytest.mark.parametrize("settings", KINDS, ids=lambda settings: settings["kind"])
@pytest.mark.parametrize("case", ["ties", "constant", "one row", "far apart"])
def test_gradients_are_finite_wherever_a_batch_is_odd(settings: dict[str, Any], case: str) -> None:
    logits, targets = batch()
    if case == "ties":
        logits = torch.zeros_like(logits)
    elif case == "constant":
        targets = torch.full_like(targets, 0.5)
    elif case == "one row":
        logits, targets = logits[:1], targets[:1]
    else:
        logits = logits * 1e4
    logits = logits.requires_grad_()
    loss = one(**settings)(logits, targets)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    if settings["kind"] in ("margin_ranking", "soft_spearman") and case in ("constant", "one row"):
        assert float(loss.detach()) == 0
        assert not logits.grad.any()


@pytest.mark.parametrize("settings", KINDS, ids=lambda settings: settings["kind"])
def test_light_rows_make_a_small_loss(settings: dict[str, Any]) -> None:
    logits, targets = batch()
    loss = one(**settings)
    plain = loss(logits, targets)
    torch.testing.assert_close(loss(logits, targets, torch.ones(9)), plain)
    factor = 1 / 4 if settings["kind"] == "margin_ranking" else 1 / 2  # a pair weighs the product
    torch.testing.assert_close(loss(logits, targets, torch.full((9,), 0.5)), factor * plain)


@pytest.mark.parametrize("settings", KINDS, ids=lambda settings: settings["kind"])
def test_a_row_of_weight_zero_teaches_nothing(settings: dict[str, Any]) -> None:
    logits, targets = batch()
    weights = torch.ones(9)
    weights[3] = 0
    for label in (0.0, 1.0):
        leaf = logits.clone().requires_grad_()
        targets[3] = label
        one(**settings)(leaf, targets, weights).backward()
        assert leaf.grad is not None
        assert not leaf.grad[3].any()
        assert leaf.grad[2].any()


def test_in_rank_correlation_a_row_of_weight_two_is_two_rows() -> None:
    logits, targets = batch()
    weights = torch.ones(9)
    weights[3] = 2
    twice = torch.tensor([*range(9), 3])
    once, _ = soft_spearman(logits, targets, 0.5, weights)
    copied, _ = soft_spearman(logits[twice], targets[twice], 0.5)
    torch.testing.assert_close(once, copied * 10 / 9)


@pytest.mark.parametrize("settings", KINDS, ids=lambda settings: settings["kind"])
def test_columns_count_as_their_weights_say(settings: dict[str, Any]) -> None:
    logits, targets = batch()
    model = config(losses=[settings], column_weights={"a": 3.0, "c": 0.0})
    alone = [one(**settings)(logits[:, [n]], targets[:, [n]]) for n in range(4)]
    expected = (3 * alone[0] + alone[1] + alone[3]) / 5
    torch.testing.assert_close(criterion(model, FOUR)(logits, targets), expected)


def test_column_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(FoldshipError, match="column_weights: the competition has no target 'x'"):
        criterion(config(column_weights={"x": 1}), TWO)
    with pytest.raises(FoldshipError, match="no target is left"):
        criterion(config(column_weights={"a": 0, "b": 0}), TWO)


def test_losses_add_up_by_weight() -> None:
    logits, targets = batch()
    model = config(losses=[{"kind": "bce", "weight": 2}, {"kind": "margin_ranking", "weight": 0.5}])
    expected = 2 * one(kind="bce")(logits, targets) + 0.5 * one(kind="margin_ranking")(logits, targets)
    torch.testing.assert_close(criterion(model, FOUR)(logits, targets), expected)


@pytest.mark.parametrize("settings", KINDS, ids=lambda settings: settings["kind"])
def test_autocast_does_not_touch_the_loss(settings: dict[str, Any]) -> None:
    logits, targets = batch()
    loss = one(**settings)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = loss(logits, targets)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, loss(logits, targets))


def test_ordinal_outputs_are_ranked_as_decoded_and_weighed_by_column() -> None:
    random = np.random.default_rng(0)
    labels = random.choice([0.0, 0.5, 1.0], size=(8, 2)).astype(np.float32)
    grid = Grid.fit(labels, 8)
    decode = OrdinalDecode(grid)
    outputs, targets = torch.randn(8, 4), torch.from_numpy(grid.encode(labels))
    ranking = config(targets="ordinal", losses=[{"kind": "soft_spearman"}])
    torch.testing.assert_close(
        criterion(ranking, TWO, decode)(outputs, targets),
        one(kind="soft_spearman")(decode(outputs), torch.from_numpy(labels)),
    )
    weighted = criterion(config(targets="ordinal", column_weights={"b": 0}), TWO, decode)
    expected = functional.binary_cross_entropy_with_logits(outputs[:, :2], targets[:, :2])
    torch.testing.assert_close(weighted(outputs, targets), expected)


CLASS_LOGITS = torch.tensor([[2.0, 0.5, -1.0], [0.1, 0.2, 0.3], [-1.0, 3.0, 0.0], [0.0, 0.0, 4.0]])
LABELS = torch.tensor([0, 1, 1, 2])
ONE_HOT = functional.one_hot(LABELS, 3).float()
SHARES = ONE_HOT.mean(0).numpy()


def test_classes_learn_from_cross_entropy_unless_told_otherwise() -> None:
    expected = functional.cross_entropy(CLASS_LOGITS, LABELS)
    torch.testing.assert_close(criterion(config(), THREE)(CLASS_LOGITS, ONE_HOT), expected)


def test_classes_have_weights() -> None:
    weights = {"a": 1.0, "b": 0.25, "c": 3.0}
    expected = functional.cross_entropy(CLASS_LOGITS, LABELS, weight=torch.tensor(list(weights.values())))
    model = config(column_weights=weights)
    torch.testing.assert_close(criterion(model, THREE)(CLASS_LOGITS, ONE_HOT), expected)


def test_balanced_classes_weigh_alike_together() -> None:
    expected = functional.cross_entropy(CLASS_LOGITS, LABELS, weight=torch.tensor([2.0, 1.0, 2.0]))
    found = criterion(config(column_weights="balanced"), THREE, shares=SHARES)(CLASS_LOGITS, ONE_HOT)
    torch.testing.assert_close(found, expected)


def test_focal_loss_fades_where_the_class_is_right() -> None:
    plain = criterion(config(losses=[{"kind": "focal", "gamma": 0}]), THREE)(CLASS_LOGITS, ONE_HOT)
    torch.testing.assert_close(plain, functional.cross_entropy(CLASS_LOGITS, LABELS))
    own = CLASS_LOGITS.softmax(1)[torch.arange(4), LABELS]
    expected = (-((1 - own) ** 2) * own.log()).mean()
    focal = criterion(config(losses=[{"kind": "focal", "gamma": 2}]), THREE)(CLASS_LOGITS, ONE_HOT)
    torch.testing.assert_close(focal, expected)


def test_ldam_asks_most_of_the_rarest_class() -> None:
    settings = {"kind": "ldam", "margin": 0.4, "scale": 2.0}
    margins = torch.tensor([0.25, 0.5, 0.25]) ** -0.25
    margins = 0.4 * margins / margins.max()
    moved = CLASS_LOGITS - ONE_HOT * margins
    expected = functional.cross_entropy(2 * moved, LABELS)
    found = criterion(config(losses=[settings]), THREE, shares=SHARES)(CLASS_LOGITS, ONE_HOT)
    torch.testing.assert_close(found, expected)
    assert margins[0] > margins[1]


@pytest.mark.parametrize("kind", ["cross_entropy", "focal", "ldam"])
def test_losses_of_classes_have_gradients_and_weigh_rows(kind: str) -> None:
    logits = CLASS_LOGITS.clone().requires_grad_()
    loss = criterion(config(losses=[{"kind": kind}]), THREE, shares=SHARES)
    only_first = loss(logits, ONE_HOT, torch.tensor([4.0, 0.0, 0.0, 0.0]))
    only_first.backward()
    assert logits.grad is not None and logits.grad[0].any() and not logits.grad[1:].any()


@pytest.mark.parametrize(("task", "kind"), [(TWO, "focal"), (THREE, "bce"), (THREE, "soft_spearman")])
def test_a_loss_of_the_other_kind_is_refused(task: Task, kind: str) -> None:
    with pytest.raises(FoldshipError, match=f"losses: {kind} does not fit"):
        criterion(config(losses=[{"kind": kind}]), task)


def test_absolute_errors() -> None:
    logits, targets = torch.tensor([[0.0, 2.0]]), torch.tensor([[0.75, 0.1]])
    found = criterion(config(losses=[{"kind": "l1"}]), TWO)(logits, targets)
    torch.testing.assert_close(found, (torch.sigmoid(logits) - targets).abs().mean())
