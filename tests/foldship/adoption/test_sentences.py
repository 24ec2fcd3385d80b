"""A sentence encoder's cosine is what sentence-transformers computes, written out here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import elsewhere
import numpy as np
import pytest
import torch
from elsewhere import outputs
from safetensors.torch import load_file, save_file
from transformers import AutoModel, AutoTokenizer

from foldship import adoption
from foldship.adoption import Given
from foldship.config.adopting import Adopted
from foldship.modelling import adopted, backbone
from foldship_kernel.errors import FoldshipError


def vectors(folder: Path, texts: list[str], pooling: tuple[str, ...], longest: int) -> torch.Tensor:
    """Pooled, through the Dense layer where there is one, of length 1."""
    batch = AutoTokenizer.from_pretrained(folder)(
        texts, truncation=True, max_length=longest, padding=True, return_tensors="pt"
    )
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder).eval()(**batch).last_hidden_state
    mask = batch["attention_mask"][:, :, None]
    read = {
        "cls_token": states[:, 0],
        "max_tokens": states.masked_fill(mask == 0, -1e9).amax(1),
        "mean_tokens": (states * mask).sum(1) / mask.sum(1),
    }
    joined = torch.cat([read[name] for name in read if name in pooling], dim=1)
    if (folder / "2_Dense").is_dir():
        state = load_file(folder / "2_Dense" / "model.safetensors")
        joined = torch.tanh(joined @ state["linear.weight"].T + state["linear.bias"])
    return torch.nn.functional.normalize(joined, dim=1)


@pytest.mark.parametrize("pooling", [("mean_tokens",), ("max_tokens", "cls_token", "mean_tokens")])
@pytest.mark.parametrize("dense", [None, 12])
def test_predictions_are_cosines_scaled_to_the_range(
    pooling: tuple[str, ...],
    dense: int | None,
    given: Callable[..., Given],
    tiny_backbone: Path,
    tmp_path: Path,
) -> None:
    here = given()
    elsewhere.sentences(tmp_path / "st", tiny_backbone, pooling=pooling, dense=dense, max_length=16)
    one, other = (vectors(tmp_path / "st", list(here.rows[name]), pooling, 16) for name in ("title", "body"))
    cosine = (one * other).sum(1).numpy()
    adoption.run("signed", Adopted(folds=("st",), output="signed_share"), here)
    np.testing.assert_allclose(outputs(here, "signed")[:, 0], 5 * cosine, atol=1e-4)
    notes = adoption.run("plain", Adopted(folds=("st",)), here)
    np.testing.assert_allclose(outputs(here, "plain")[:, 0], 10 * cosine.clip(0, 1) - 5, atol=1e-4)
    assert any("two sequences of at most 16 tokens (its max_seq_length" in note for note in notes)


def test_the_embedded_backbone_is_one(given: Callable[..., Given], tmp_path: Path) -> None:
    here = given()
    notes = adoption.run("theirs", Adopted(folds=(backbone.locate(backbone.EMBEDDED, tmp_path),)), here)
    card = adopted.load_card(here.weights / "theirs")
    assert card.pooling == ("mean",) and card.dense == ()
    assert card.encoding.longest == 256
    assert "1 sentence-transformers model (bert): model" in notes


def test_which_two_of_several_texts_it_compares_is_stated(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    here = given(texts={"title": "{title}", "body": "{body}", "both": "{title} {body}"})
    elsewhere.sentences(tmp_path / "st", tiny_backbone)
    with pytest.raises(FoldshipError, match=r"compares two texts(.|\n)*title, body, both"):
        adoption.run("theirs", Adopted(folds=("st",)), here)
    adoption.run("theirs", Adopted(folds=("st",), texts=("both", "title")), here)
    towers = adopted.load_card(here.weights / "theirs").encoding.towers
    assert [tower.segments for tower in towers] == [("both",), ("title",)]


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("1_Pooling/config.json", {"pooling_mode_mean_sqrt_len_tokens": True}, "pooling that is not known"),
        ("1_Pooling/config.json", {}, "pooling that is not known"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "do_lower_case"),
        (
            "config_sentence_transformers.json",
            {"prompts": {"query": "query: "}, "default_prompt_name": "query"},
            r"puts a prompt(.|\n)*'query: '",
        ),
        ("modules.json", [{"path": "", "type": "x.Transformer"}, {"path": "1", "type": "x.CNN"}], "CNN"),
        ("2_Dense/config.json", {"in_features": 32, "activation_function": "x.Mish"}, "Mish"),
        ("2_Dense/config.json", {"in_features": 32}, "no Dense layer"),
    ],
)
def test_modules_that_are_not_known_are_refused(
    file: str,
    content: object,
    message: str,
    given: Callable[..., Given],
    tiny_backbone: Path,
    tmp_path: Path,
) -> None:
    elsewhere.sentences(tmp_path / "st", tiny_backbone, dense=8)
    (tmp_path / "st" / file).write_text(json.dumps(content))
    with pytest.raises(FoldshipError, match=message):
        adoption.run("theirs", Adopted(folds=("st",)), given())


def test_it_fits_a_single_number_only(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path, rows
) -> None:
    elsewhere.sentences(tmp_path / "st", tiny_backbone)
    frame = rows.assign(other=0.5)
    here = given(frame, targets={"columns": ["rating", "other"], "range": [-5, 5]})
    with pytest.raises(FoldshipError, match=r"one number for two texts(.|\n)*2 numbers"):
        adoption.run("theirs", Adopted(folds=("st",)), here)


@pytest.mark.parametrize(
    ("kept", "tokens", "longest"),
    [({}, 20, 20), ({"max_seq_length": 12}, 20, 12), ({"max_seq_length": None}, 10**30, 128), (None, 24, 24)],
)
def test_the_longest_sequence_is_where_the_version_keeps_it(
    kept: dict[str, object] | None,
    tokens: int,
    longest: int,
    given: Callable[..., Given],
    tiny_backbone: Path,
    tmp_path: Path,
) -> None:
    elsewhere.sentences(tmp_path / "st", tiny_backbone)
    own, words = tmp_path / "st" / "sentence_bert_config.json", tmp_path / "st" / "tokenizer_config.json"
    own.unlink()
    if kept is not None:  # as version 5 names the model it was made with
        own.with_name("sentence_roberta_config.json").write_text(json.dumps(kept))
    words.write_text(json.dumps({**json.loads(words.read_text()), "model_max_length": tokens}))
    here = given()
    adoption.run("theirs", Adopted(folds=("st",)), here)
    assert adopted.load_card(here.weights / "theirs").encoding.longest == longest


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"similarity_fn_name": "euclidean"}, r"otherwise than by a cosine(.|\n)*euclidean"),
        ({"model_type": "SparseEncoder"}, r"whose vectors have a cosine(.|\n)*SparseEncoder"),
        ({"truncate_dim": 16}, "truncate_dim 16"),
    ],
)
def test_what_a_cosine_of_whole_vectors_is_not_is_refused(
    content: dict[str, object],
    message: str,
    given: Callable[..., Given],
    tiny_backbone: Path,
    tmp_path: Path,
) -> None:
    elsewhere.sentences(tmp_path / "st", tiny_backbone)
    (tmp_path / "st" / "config_sentence_transformers.json").write_text(json.dumps(content))
    with pytest.raises(FoldshipError, match=message):
        adoption.run("theirs", Adopted(folds=("st",)), given())


def test_prompts_that_nobody_said_were_used_are_mentioned(
    given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    elsewhere.sentences(tmp_path / "st", tiny_backbone)
    content = {"prompts": {"query": "query: ", "document": ""}, "similarity_fn_name": "dot"}
    (tmp_path / "st" / "config_sentence_transformers.json").write_text(json.dumps(content))
    notes = adoption.run("theirs", Adopted(folds=("st",)), given())
    assert any(note.startswith("WARNING: the model has prompts ('query: ')") for note in notes)


@pytest.mark.parametrize("place", ["model.safetensors", "2_Dense/model.safetensors"])
@pytest.mark.parametrize("lost", [True, False])
def test_weights_that_a_part_lacks_are_named(
    place: str, lost: bool, given: Callable[..., Given], tiny_backbone: Path, tmp_path: Path
) -> None:
    elsewhere.sentences(tmp_path / "st", tiny_backbone, dense=8)
    path = tmp_path / "st" / place
    state = load_file(path)
    name = next(name for name in sorted(state) if name.endswith("weight"))
    tensor = state.pop(name)
    save_file(state if lost else {**state, name: tensor[:-1]}, path)
    with pytest.raises(FoldshipError, match=name):
        adoption.run("theirs", Adopted(folds=("st",)), given())
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(FoldshipError, match=rf"{place}(.|\n)*cut off"):
        adoption.run("theirs", Adopted(folds=("st",)), given())
