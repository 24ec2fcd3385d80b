from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModel,
    AutoTokenizer,
    BertConfig,
    DebertaV2Config,
    DistilBertConfig,
    ElectraConfig,
    PretrainedConfig,
    RobertaConfig,
)

from foldship.config.network import Adapter
from foldship.modelling import backbone
from foldship_kernel.errors import FoldshipError

SIZES = {
    "vocab_size": 100,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 40,
}


@pytest.mark.parametrize("kind", [BertConfig, RobertaConfig, ElectraConfig, DebertaV2Config])
def test_every_architecture_trains_with_the_attention_it_has(
    kind: type[PretrainedConfig], tmp_path: Path
) -> None:
    AutoModel.from_config(kind(**SIZES)).save_pretrained(tmp_path)
    model = backbone.load_encoder(str(tmp_path), dropout=0.0)
    inputs = torch.ones((2, 8), dtype=torch.long)
    model(input_ids=inputs, attention_mask=inputs).last_hidden_state.sum().backward()
    assert getattr(model, "pooler", None) is None
    assert model.config.hidden_dropout_prob == 0.0


def test_a_folder_under_weights_is_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{}")
    assert backbone.locate("mine", tmp_path) == str(tmp_path / "mine")
    assert backbone.locate("klue/roberta-large", tmp_path) == "klue/roberta-large"
    assert (Path(backbone.locate(backbone.EMBEDDED, tmp_path)) / "config.json").is_file()


def test_a_backbone_that_is_nowhere_names_what_can_be_done(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="'no/such-model' cannot be loaded"):
        backbone.load_encoder("no/such-model")


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_four_bits_without_cuda_are_refused(tiny_backbone: Path) -> None:
    with pytest.raises(FoldshipError, match="needs a CUDA device"):
        backbone.load_encoder(str(tiny_backbone), adapter=Adapter(), quantise=True)


def test_adapters_leave_only_their_own_weights_to_learn(tiny_backbone: Path) -> None:
    model = backbone.load_encoder(
        str(tiny_backbone), adapter=Adapter(targets=("query", "value"), layers=(1,))
    )
    learning = [name for name, p in model.named_parameters() if p.requires_grad]
    assert learning and all(".lora_" in name and ".layer.1." in name for name in learning)


def test_a_left_padding_tokenizer_is_refused(tiny_backbone: Path, tmp_path: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_backbone)
    tokenizer.padding_side = "left"
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text((tiny_backbone / "config.json").read_text())
    with pytest.raises(FoldshipError, match="pads on the left"):
        backbone.load_tokenizer(str(tmp_path))


def test_a_changed_backbone_has_another_fingerprint(tiny_backbone: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tiny_backbone.iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    assert backbone.fingerprint(str(copy)) == backbone.fingerprint(str(tiny_backbone))
    with (copy / "config.json").open("a") as stream:
        stream.write(" ")
    assert backbone.fingerprint(str(copy)) != backbone.fingerprint(str(tiny_backbone))


def test_rates_of_dropout_that_are_not_known_are_refused(tmp_path: Path) -> None:
    DistilBertConfig(dim=32, n_layers=1, n_heads=2, hidden_dim=64, vocab_size=50).save_pretrained(tmp_path)
    assert backbone.with_dropout(str(tmp_path), None).dropout == 0.1
    with pytest.raises(FoldshipError, match="a distilbert encoder's rates cannot be set"):
        backbone.with_dropout(str(tmp_path), 0.0)


def test_only_the_layers_that_are_wanted_are_kept(tiny_backbone: Path) -> None:
    whole = backbone.load_encoder(str(tiny_backbone))
    lower = backbone.load_encoder(str(tiny_backbone), layers=1)
    inputs = {"input_ids": torch.tensor([[5, 6, 7]]), "attention_mask": torch.ones(1, 3, dtype=torch.long)}
    states = whole.eval()(**inputs, output_hidden_states=True).hidden_states
    torch.testing.assert_close(lower.eval()(**inputs).last_hidden_state, states[1])
    assert lower.config.num_hidden_layers == 1
    assert backbone.load_encoder(str(tiny_backbone), layers=9).config.num_hidden_layers == 2
