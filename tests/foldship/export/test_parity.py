from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from foldship.export import parity
from foldship.export.samples import Rows
from foldship_kernel.encode import EncodingSpec, TowerSpec
from foldship_kernel.encoded import EncodedRows

RUNG = parity.Rung("fused", 1e-4, "do this")


@pytest.fixture
def trained():
    return np.random.default_rng(0).uniform(size=(6, 2))


@pytest.fixture
def ladder(trained):
    return parity.Ladder(3, ["first", "second"], trained)


def test_rungs_and_ends_are_reported(ladder, trained):
    above = ladder.climb(RUNG, trained + 1e-5, trained)
    ladder.climb(RUNG, above + 2e-5, above)
    result = ladder.result()
    assert result["fold"] == 3
    assert result["difference"] == pytest.approx(3e-5)
    assert [rung["difference"] for rung in result["rungs"]] == pytest.approx([1e-5, 2e-5])
    assert result["spearman"] == {"first": 1.0, "second": 1.0}


def test_constant_column_has_no_spearman(trained):
    trained[:, 1] = 0.5
    ladder = parity.Ladder(0, ["first", "second"], trained)
    assert ladder.result()["spearman"]["second"] is None
    assert ladder.result()["lowest_spearman"] == 1.0


def test_too_large_a_difference_names_target_row_and_fix(ladder, trained):
    wrong = trained.copy()
    wrong[4, 1] += 0.1
    with pytest.raises(parity.ValuesError, match=r"fold 3, fused.*'second', row 5") as caught:
        ladder.climb(RUNG, wrong, trained)
    assert caught.value.found.startswith("0.1 ")
    assert caught.value.fix == "do this"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_fail(ladder, trained, value):
    wrong = trained.copy()
    wrong[0, 0] = value
    with pytest.raises(parity.ValuesError, match="row 1"):
        ladder.climb(RUNG, wrong, trained)


def test_other_shape_fails_first(ladder, trained):
    with pytest.raises(parity.ShapesError, match="another shape"):
        ladder.climb(RUNG, trained[:1], trained)


def test_lost_input_is_named():
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("input_ids", "pooled")]
    model = helper.make_model(
        helper.make_graph([helper.make_node("Neg", ["input_ids"], ["pooled"])], "toy", values[:1], values[1:])
    )
    parity.check_names(model, ["input_ids"], "pooled", "here")
    with pytest.raises(parity.NamesError, match="here") as caught:
        parity.check_names(model, ["input_ids", "token_type_ids"], "pooled", "here")
    assert caught.value.found == "input_ids -> pooled"
    assert isinstance(model, onnx.ModelProto)


def test_extremes_are_one_token_and_the_longest_sequence():
    spec = EncodingSpec(
        (TowerSpec(("a",), 9, (None,)), TowerSpec(("b",), 12, (None,))), 0.5, (), (), (), 0, True
    )
    rows = EncodedRows(
        np.array([5, 6, 7, 8], np.int32),
        np.array([0, 3, 4]),
        np.array([2, 1], np.int32),
        np.array([[0, 1], [1, 1]]),
    )
    features = np.array([[1.0], [2.0]], dtype=np.float32)
    added = parity.with_extremes(Rows(rows, features), spec)
    more, more_features = added.encoded, added.features
    assert more.lengths.tolist() == [3, 1, 1, 12]
    assert more.index.tolist() == [[0, 1], [1, 1], [2, 2], [3, 3]]
    assert more.boundaries.tolist() == [2, 1, 1, 12]
    assert more.sequence(3).tolist() == [5, 6, 7, 8] * 3
    assert more_features.tolist() == [[1.0], [2.0], [1.0], [2.0]]
