from __future__ import annotations

from typing import Any

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

from foldship.config.network import Head
from foldship.modelling import heads
from foldship.modelling.heads import (
    Cascade,
    Inputs,
    Metadata,
    PerTarget,
    Restricted,
    RowHead,
    ViewsHead,
)
from foldship_kernel.errors import FoldshipError

INPUTS = Inputs(towers=2, width=6, features=7, one_hots=(3, 2))
TARGETS = ("question_a", "answer_b", "question_c", "answer_d")
VIEWS = {"question_": [0], "answer_": [1, 0]}


def rows(count: int = 5) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    pooled = torch.randn(count, INPUTS.towers * INPUTS.width, generator=generator)
    return pooled, torch.randn(count, INPUTS.features, generator=generator)


def build(inputs: Inputs = INPUTS, outputs: tuple[str, ...] = TARGETS, **config: Any) -> nn.Module:
    torch.manual_seed(3)
    return heads.build(inputs, outputs, Head.model_validate({"hidden": 8, **config}))


def test_the_plain_head_is_as_it_always_was() -> None:
    head = build()
    torch.manual_seed(3)
    plain = nn.Sequential(
        nn.Dropout(0.1), nn.Linear(19, 8), nn.GELU(), nn.Dropout(0.1), nn.Linear(8, len(TARGETS))
    )
    state = {f"layers.{name}": value for name, value in plain.state_dict().items()}
    assert list(head.state_dict()) == list(state)
    torch.testing.assert_close(head.state_dict(), state)
    torch.testing.assert_close(head.eval()(*rows()), plain.eval()(torch.cat(rows(), dim=1)))


@pytest.mark.parametrize(
    "config",
    [{}, {"hidden": 0}, {"per_target": True}, {"views": VIEWS, "norm": True, "interactions": True}],
)
def test_the_same_seed_gives_the_same_head(config: dict[str, Any]) -> None:
    inputs = Inputs(2, 6, 7, (3, 2), embedding=2)
    one, two = (build(inputs, **config).eval()(*rows()) for _ in range(2))
    assert torch.equal(one, two)
    torch.manual_seed(4)
    other = heads.build(inputs, TARGETS, Head.model_validate({"hidden": 8, **config}))
    assert not torch.equal(other.eval()(*rows()), one)


def test_many_dropout_masks_are_one_pass_in_evaluation() -> None:
    plain, several = build(dropout=0.5), build(dropout=0.5, samples=6)
    assert plain.state_dict().keys() == several.state_dict().keys()
    assert torch.equal(plain.eval()(*rows()), several.eval()(*rows()))


def test_logits_are_the_mean_over_the_masks_in_training() -> None:
    head = build(dropout=0.5, samples=4).train()
    pooled, features = rows()
    torch.manual_seed(9)
    found = head(pooled, features)
    torch.manual_seed(9)
    passes = head.get_submodule("layers")(torch.cat([pooled, features], dim=1).repeat(4, 1))
    torch.testing.assert_close(found, passes.view(4, len(pooled), -1).mean(0))
    assert not torch.equal(passes[:5], passes[5:10])  # another mask
    assert found.shape == (len(pooled), len(TARGETS))


@pytest.mark.parametrize("outputs", [TARGETS, ("a", "a", "b", "c", "c", "c")])
def test_a_hidden_layer_a_target_is_a_loop_of_small_heads(outputs: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    grouped = PerTarget(10, 4, outputs, dropout=0.3).eval()
    inputs = torch.randn(6, 10)
    columns = []
    for place, target in enumerate(dict.fromkeys(outputs)):
        small = nn.Sequential(nn.Linear(10, 4), nn.GELU(), nn.Linear(4, outputs.count(target)))
        own = slice(4 * place, 4 * (place + 1))
        read = [column for column, name in enumerate(outputs) if name == target]
        small.load_state_dict(
            {
                "0.weight": grouped.first.weight[own],
                "0.bias": grouped.first.bias[own],
                "2.weight": grouped.weight[read],
                "2.bias": grouped.bias[read],
            }
        )
        columns.append(small(inputs))
    torch.testing.assert_close(grouped(inputs), torch.cat(columns, dim=1))


def test_interactions_are_the_product_and_the_distance_of_the_first_two_towers() -> None:
    head = build(hidden=0, interactions=True).eval()
    pooled, features = rows()
    one, two = pooled[:, :6], pooled[:, 6:]
    joined = torch.cat([one, two, one * two, (one - two).abs(), features], dim=1)
    linear = head.get_submodule("layers.1")
    torch.testing.assert_close(head(pooled, features), linear(joined))


def test_the_norm_is_over_all_that_the_head_reads() -> None:
    head = build(hidden=0, norm=True).eval()
    joined = torch.cat(rows(), dim=1)
    expected = head.get_submodule("layers.1")(nn.functional.layer_norm(joined, joined.shape[1:]))
    torch.testing.assert_close(head(*rows()), expected)
    pooled, features = rows()
    torch.testing.assert_close(head(pooled * 3, features * 3), expected, atol=1e-4, rtol=1e-4)


def test_targets_read_the_towers_of_their_view_and_the_features() -> None:
    head = build(views=VIEWS).eval()
    pooled, features = (part.requires_grad_() for part in rows())
    for place, target in enumerate(TARGETS):
        of_pooled, of_features = torch.autograd.grad(
            head(pooled, features)[:, place].sum(), (pooled, features)
        )
        assert of_pooled[:, :6].any()
        assert of_pooled[:, 6:].any() == target.startswith("answer_")
        assert of_features.any()


def test_outputs_of_views_stand_in_the_targets_order() -> None:
    head = build(views=VIEWS).eval()
    assert isinstance(head, ViewsHead)
    pooled, features = rows()
    questions, answers = (view(pooled, features) for view in head.views)
    expected = torch.stack([questions[:, 0], answers[:, 0], questions[:, 1], answers[:, 1]], dim=1)
    assert torch.equal(head(pooled, features), expected)


def test_interactions_are_left_out_of_a_view_of_one_tower() -> None:
    head = build(views=VIEWS, interactions=True)
    widths = [head.get_parameter(f"views.{view}.layers.1.weight").shape[1] for view in (0, 1)]
    assert widths == [6 + 7, 4 * 6 + 7]


@pytest.mark.parametrize(
    ("views", "message"),
    [
        ({"question_": [0]}, "'answer_b' is in no view"),
        ({"question_": [0], "answer_": [1], "answer_d": [0]}, "'answer_d' is in several views"),
        ({"": [0], "user_": [1]}, "no target begins with 'user_'"),
    ],
)
def test_views_cover_every_target_once(views: dict[str, list[int]], message: str) -> None:
    with pytest.raises(FoldshipError, match=message) as caught:
        build(views=views)
    assert "head.views" in caught.value.fix


def test_each_metadata_column_is_embedded_by_itself() -> None:
    inputs = Inputs(towers=1, width=6, features=7, one_hots=(3, 2), embedding=4)
    metadata = Metadata(inputs)
    assert metadata.width == 4 + 4 + 2
    features = torch.tensor([[0, 1, 0, 1, 0, 0.5, 7], [0, 0, 0, 0, 1, 0.2, 8]])
    found = metadata(features)
    weights = [metadata.get_parameter(f"embeddings.{place}.weight") for place in (0, 1)]
    torch.testing.assert_close(found[0, :8], torch.cat([weights[0][:, 1], weights[1][:, 0]]))
    assert not found[1, :4].any()  # a missing value
    assert torch.equal(found[:, 8:], features[:, 5:])


def test_embedded_metadata_joins_the_vectors() -> None:
    head = build(Inputs(2, 6, 7, (3, 2), embedding=4), hidden=0).eval()
    assert isinstance(head, RowHead)
    assert head.metadata is not None
    pooled, features = rows()
    expected = head.layers[1](torch.cat([pooled, head.metadata(features)], dim=1))
    torch.testing.assert_close(head(pooled, features), expected)


class Pairs(nn.Module):
    """Two outputs of each target to their mean."""

    def forward(self, outputs: Tensor) -> Tensor:
        return outputs.unflatten(1, (-1, 2)).mean(-1)


@pytest.mark.parametrize("views", [{}, VIEWS])
def test_outputs_of_a_target_are_decoded_in_evaluation_only(views: dict[str, list[int]]) -> None:
    outputs = tuple(target for target in TARGETS for _ in range(2))
    config = Head.model_validate({"dropout": 0.0, "views": views})
    head = heads.build(INPUTS, outputs, config, Pairs())
    raw = head.train()(*rows())
    assert raw.shape == (5, len(outputs))
    torch.testing.assert_close(head.eval()(*rows()), raw.unflatten(1, (-1, 2)).mean(-1))


def test_further_layers_are_as_wide_as_the_first() -> None:
    head = build(layers=3)
    widths = [
        (layer.in_features, layer.out_features) for layer in head.modules() if isinstance(layer, nn.Linear)
    ]
    assert widths == [(19, 8), (8, 8), (8, 8), (8, len(TARGETS))]


def test_a_cascade_multiplies_probabilities() -> None:
    head = build(cascade="question_c").eval()
    assert isinstance(head, Cascade)
    likely = head(*rows()).exp()
    torch.testing.assert_close(likely.sum(1), torch.ones(5))
    any_of_them = torch.sigmoid(head.any(*rows())).squeeze(1)
    torch.testing.assert_close(1 - likely[:, 2], any_of_them)
    which = head.which(*rows()).softmax(1)
    torch.testing.assert_close(likely[:, [0, 1, 3]], any_of_them[:, None] * which)
    # What softmax makes of the outputs is what they mean.
    torch.testing.assert_close(head(*rows()).softmax(1), likely)


NAMED = Inputs(towers=2, width=6, features=7, one_hots=(3, 2), names=("types", "source"))


def test_classes_that_a_category_never_had_are_impossible() -> None:
    head = build(NAMED, restrict="types").eval()
    assert isinstance(head, Restricted)
    pooled, features = rows()
    features[:, :5] = 0
    features[[0, 1, 2], [0, 0, 1]] = 1  # types of the first three rows; the third type is never seen
    before = head(pooled, features)
    head.learn(features, torch.eye(4)[[0, 3, 2, 1, 1]])
    after = head(pooled, features)
    chances = after.softmax(1)
    assert (chances[0, [1, 2]] < 1e-8).all() and (chances[2, [0, 1, 3]] < 1e-8).all()
    torch.testing.assert_close(after[0, [0, 3]], before[0, [0, 3]])
    torch.testing.assert_close(after[3:], before[3:])  # no known type: nothing is impossible
    features[4, 2] = 1
    # A type that no training row had.
    torch.testing.assert_close(head(pooled, features)[4], head.head(pooled, features)[4])
    again = build(NAMED, restrict="types").eval()
    again.load_state_dict(head.state_dict())
    torch.testing.assert_close(again(pooled, features), head(pooled, features))


@pytest.mark.parametrize(
    ("config", "message"),
    [({"restrict": "kind"}, "'kind' is no feature"), ({"cascade": "none"}, "there is no class 'none'")],
)
def test_names_that_do_not_fit_are_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(FoldshipError, match=message):
        build(NAMED, **config)


@pytest.mark.parametrize("config", [{"layers": 2, "hidden": 0}, {"cascade": "a", "per_target": True}])
def test_settings_that_exclude_each_other_are_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Head.model_validate({"hidden": 8, **config})
