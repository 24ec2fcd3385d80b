from __future__ import annotations

import pytest

from foldship.modelling import weight_names
from foldship_kernel.errors import FoldshipError

ENCODER = ("embeddings.word.weight", "encoder.layer.0.query.weight", "encoder.layer.0.query.bias")
WHOLE = (*(f"bert.{name}" for name in ENCODER), "classifier.weight")


@pytest.mark.parametrize("prefix", ["", "module.", "model.module._orig_mod.", "encoder.", "bert.", "x.y.z."])
@pytest.mark.parametrize("names", [ENCODER, WHOLE])
def test_a_beginning_that_all_names_have_is_taken_off(prefix: str, names: tuple[str, ...]) -> None:
    found = weight_names.match(names, "bert", [prefix + name for name in names], "file")
    assert found.keys == {name: prefix + name for name in names} and not found.left


def test_an_encoder_is_found_in_a_classifier_and_a_classifier_gets_an_encoder() -> None:
    down = weight_names.match(ENCODER, "bert", WHOLE, "file")
    assert set(down.keys) == set(ENCODER) and set(down.left) == {"classifier.weight"}
    up = weight_names.match(WHOLE, "bert", [f"backbone.{name}" for name in ENCODER], "file")
    assert up.keys == {f"bert.{name}": f"backbone.{name}" for name in ENCODER}


def test_what_does_not_fit_stays_away() -> None:
    found = weight_names.match(
        ENCODER, "bert", [*ENCODER[1:], "embeddings.words.weight", "head.weight"], "file"
    )
    assert "embeddings.word.weight" not in found.keys
    assert set(found.left.values()) == {"embeddings.words.weight", "head.weight"}


@pytest.mark.parametrize(
    "keys",
    [
        [f"{who}.{name}" for who in ("online", "ema") for name in ENCODER],
        [*ENCODER, "encoder.layer.0._orig_mod.query.bias"],
    ],
)
def test_names_that_fit_twice_are_refused(keys: list[str]) -> None:
    with pytest.raises(FoldshipError, match=r"not clear|same name"):
        weight_names.match(ENCODER, "bert", keys, "file")


def test_the_name_that_a_library_gives_wins_over_a_copy() -> None:
    keys = [*ENCODER, *(f"ema.{name}" for name in ENCODER)]
    assert weight_names.match(ENCODER, "bert", keys, "file").keys == {name: name for name in ENCODER}
