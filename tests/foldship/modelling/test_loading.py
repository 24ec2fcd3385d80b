"""A checkpoint that was damaged is loaded as it was, or refused by name; nothing random is used."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import damaged
import pytest
import torch
from damaged import CONFIGS, HARMFUL, HARMLESS
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    BertConfig,
    BitsAndBytesConfig,
    RoFormerConfig,
)

from foldship.modelling import backbone, loading
from foldship_kernel.errors import FoldshipError

KINDS = sorted(CONFIGS)
SEEDS = st.integers(0, 10**6)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Any]]:
    """By architecture, a saved classifier and its logits."""
    root = tmp_path_factory.mktemp("originals")
    return {kind: (root / kind, damaged.logits(damaged.classifier(root / kind, kind))) for kind in KINDS}


def load(folder: Path, kind: Any = AutoModelForSequenceClassification) -> Any:
    config = AutoConfig.from_pretrained(folder)
    loaded = loading.load(kind, str(folder), config, attention=backbone.attention_of(config, "sdpa"))
    loaded.confirm()
    return loaded.network


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from(HARMFUL), SEEDS)
def test_what_is_damaged_is_refused_by_name(originals, kind: str, damage: Any, seed: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        folder = damaged.copy_of(originals[kind][0], Path(root) / "m")
        if damage is damaged.fewer_layers and kind == "albert":
            return  # its layers are one and the same
        named = damage(folder, Random(seed))
        with pytest.raises(FoldshipError) as error:
            load(folder)
        assert named is not None and named in str(error.value)


@settings(max_examples=36, derandomize=True, deadline=None)
@given(st.sampled_from(KINDS), st.lists(st.sampled_from(HARMLESS), min_size=1, max_size=2), SEEDS)
def test_what_is_only_called_or_kept_otherwise_is_what_it_was(
    originals, kind: str, changes: list[Any], seed: int
) -> None:
    before, wanted = originals[kind]
    with tempfile.TemporaryDirectory() as root:
        folder = damaged.copy_of(before, Path(root) / "m")
        random = Random(seed)
        for change in changes:
            if (folder / damaged.WEIGHTS).is_file():
                change(folder, random)
        torch.testing.assert_close(damaged.logits(load(folder)), wanted, rtol=0, atol=1e-5)


@settings(max_examples=24, derandomize=True, deadline=None)
@given(st.sampled_from(KINDS), SEEDS, st.booleans())
def test_a_backbone_is_its_part_of_the_checkpoint_or_is_refused(
    originals, kind: str, seed: int, lacks: bool
) -> None:
    before, _ = originals[kind]
    inputs = {"input_ids": damaged.IDS, "attention_mask": torch.ones_like(damaged.IDS)}
    with tempfile.TemporaryDirectory() as root:
        folder = damaged.copy_of(before, Path(root) / "m")
        random = Random(seed)
        lost = damaged.drop(folder, random) if lacks else ""
        damaged.prefix(folder, random)
        try:
            encoder = backbone.load_encoder(str(folder)).eval()
        except FoldshipError as error:
            assert lost and lost.partition(".")[2] in str(error)
            return
        whole = AutoModel.from_pretrained(before).eval()
        with torch.inference_mode():
            found, wanted = encoder(**inputs), whole(**inputs)
        torch.testing.assert_close(found.last_hidden_state, wanted.last_hidden_state, rtol=0, atol=1e-5)


def test_layers_that_are_not_read_may_lack(originals, tmp_path: Path) -> None:
    folder = damaged.copy_of(originals["bert"][0], tmp_path / "m")
    state = damaged.state_of(folder)
    damaged.write(folder, {k: v for k, v in state.items() if ".layer.1." not in k and "pooler" not in k})
    backbone.load_encoder(str(folder), layers=1)
    with pytest.raises(FoldshipError, match=r"weights are missing(.|\n)*no encoder.layer.1"):
        backbone.load_encoder(str(folder))


def test_of_two_networks_in_a_file_neither_is_taken(originals, tmp_path: Path) -> None:
    folder = damaged.copy_of(originals["bert"][0], tmp_path / "m")
    state = damaged.state_of(folder)
    damaged.write(
        folder, {f"{who}.{k}": v.clone() for who in ("student", "teacher") for k, v in state.items()}
    )
    with pytest.raises(FoldshipError, match=r"not clear(.|\n)*'student.*' and .*'teacher"):
        load(folder)


def test_numbers_of_fewer_bits_are_taken_and_it_is_said(originals, tmp_path: Path) -> None:
    for name, dtype in (
        ("float16", torch.float16),
        ("bfloat16", torch.bfloat16),
        ("fp8", torch.float8_e4m3fn),
    ):
        folder = damaged.copy_of(originals["bert"][0], tmp_path / name)
        damaged.write(folder, {key: value.to(dtype) for key, value in damaged.state_of(folder).items()})
        config = AutoConfig.from_pretrained(folder)
        loaded = loading.load(AutoModelForSequenceClassification, str(folder), config, attention="eager")
        loaded.confirm()
        assert {tensor.dtype for tensor in loaded.network.parameters()} == {torch.float32}
        assert any(
            f"{str(dtype).removeprefix('torch.')} are taken as float32" in note for note in loaded.notes
        )


@pytest.mark.parametrize("bits", [4, 8])
def test_weights_in_few_bits_are_the_numbers_they_stand_for(originals, bits: int, tmp_path: Path) -> None:
    options = {
        4: {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
        8: {"load_in_8bit": True},
    }[bits]
    quantised = AutoModelForSequenceClassification.from_pretrained(
        originals["bert"][0], quantization_config=BitsAndBytesConfig(**options), dtype=torch.float32
    )
    quantised.save_pretrained(tmp_path / "q")
    AutoConfig.from_pretrained(tmp_path / "q")
    found = load(tmp_path / "q")
    # What eight bits do to texts on their way is more than what they do to weights.
    torch.testing.assert_close(
        damaged.logits(found), damaged.logits(quantised), rtol=0, atol=1e-4 if bits == 4 else 0.1
    )
    assert not hasattr(found.config, "quantization_config")
    state = damaged.state_of(tmp_path / "q")
    lost = next(key for key in state if key.endswith((".absmax", ".SCB")))
    damaged.write(tmp_path / "q", {key: value for key, value in state.items() if key != lost})
    with pytest.raises(FoldshipError, match=r"lacks what it is read with|whole numbers|holds more than"):
        load(tmp_path / "q")


def test_other_ways_of_quantising_are_refused_with_what_to_do(originals, tmp_path: Path) -> None:
    folder = damaged.copy_of(originals["bert"][0], tmp_path / "m")
    config = json.loads((folder / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "gptq", "bits": 4}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(FoldshipError, match=r"quantised \(gptq\)(.|\n)*model.dequantize"):
        load(folder)


def test_four_bits_are_confirmed_too(originals) -> None:
    folder = originals["bert"][0]
    config = AutoConfig.from_pretrained(folder)
    options = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    loaded = loading.load(AutoModel, str(folder), config, attention="sdpa", quantization_config=options)
    assert loaded.lacking() == []
    wrong = loaded.network.encoder.layer[0].output.dense.weight
    wrong.data = wrong.data.roll(1, 0)
    assert loaded.lacking() == ["another encoder.layer.0.output.dense.weight than the file has"]


def test_a_weight_that_changed_after_loading_is_seen(originals) -> None:
    """The proof does not rest on what any loader says that it did."""
    folder = originals["roberta"][0]
    config = AutoConfig.from_pretrained(folder)
    loaded = loading.load(AutoModel, str(folder), config, attention="sdpa")
    with torch.no_grad():
        loaded.network.embeddings.word_embeddings.weight[3, 2] += 1e-3
    with pytest.raises(FoldshipError, match=r"another embeddings\.word_embeddings\.weight than"):
        loaded.confirm()


def test_tied_and_computed_weights_may_be_saved_once_or_never(tmp_path: Path) -> None:
    sizes = {"vocab_size": 60, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    for kind, auto in ((BertConfig, AutoModelForMaskedLM), (RoFormerConfig, AutoModel)):
        folder = tmp_path / kind.__name__
        config = kind(**sizes, intermediate_size=24, max_position_embeddings=40)
        model = auto.from_config(config).eval()
        model.save_pretrained(folder)
        state = damaged.state_of(folder)
        kept = {name: tensor for name, tensor in state.items() if "embed_positions" not in name}
        assert "cls.predictions.decoder.weight" not in kept
        damaged.write(folder, kept)
        inputs = {"input_ids": damaged.IDS, "attention_mask": torch.ones_like(damaged.IDS)}
        with torch.inference_mode():
            torch.testing.assert_close(load(folder, auto).eval()(**inputs)[0], model(**inputs)[0])


def test_names_as_the_first_berts_had_them_are_known(originals, tmp_path: Path) -> None:
    folder = damaged.copy_of(originals["bert"][0], tmp_path / "m")
    old = {"LayerNorm.weight": "LayerNorm.gamma", "LayerNorm.bias": "LayerNorm.beta"}
    state = {}
    for name, tensor in damaged.state_of(folder).items():
        for new, before in old.items():
            name = name.replace(new, before)
        state[name] = tensor
    damaged.write(folder, state)
    torch.testing.assert_close(damaged.logits(load(folder)), originals["bert"][1])


def test_an_adapter_that_was_never_merged_is_no_backbone(originals, tmp_path: Path) -> None:
    folder = damaged.copy_of(originals["bert"][0], tmp_path / "m")
    state = damaged.state_of(folder)
    name = "bert.encoder.layer.0.attention.self.query"
    state[f"{name}.base_layer.weight"] = state.pop(f"{name}.weight")
    state[f"{name}.lora_A.default.weight"] = torch.randn(2, 16)
    damaged.write(folder, state)
    with pytest.raises(FoldshipError, match=r"holds more than(.|\n)*query.base_layer.weight(.|\n)*merge"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("bias"), "no bias"),
        (lambda state: state.update(extra=torch.ones(1)), "extra, which the network has not"),
        (lambda state: state.update(weight=torch.ones(3, 3)), r"weight: \(3, 3\) instead of \(2, 3\)"),
        (lambda state: state.update(bias=torch.tensor([1, torch.nan])), "no finite numbers"),
    ],
)
def test_own_weights_that_were_changed_are_refused(change: Any, message: str, tmp_path: Path) -> None:
    state = {"weight": torch.randn(2, 3), "bias": torch.randn(2)}
    save_file(state, tmp_path / "own.safetensors")
    layer = nn.Linear(3, 2)
    loading.restore(layer, tmp_path / "own.safetensors", "train again")
    torch.testing.assert_close(layer.weight.detach(), state["weight"])
    change(state)
    save_file(state, tmp_path / "own.safetensors")
    with pytest.raises(FoldshipError, match=rf"{message}(.|\n)*train again"):
        loading.restore(layer, tmp_path / "own.safetensors", "train again")


def test_own_weights_that_were_cut_off_name_file_and_remedy(tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_file({"weight": torch.randn(2, 3), "bias": torch.randn(2)}, path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(FoldshipError, match=r"own.safetensors(.|\n)*cut off(.|\n)*train again"):
        loading.restore(nn.Linear(3, 2), path, "train again")
