from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fold_runner
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForMaskedLM

from foldship import receipts
from foldship.config.schema import Model
from foldship.modelling import backbone, store
from foldship.training import adaptation, masked_words
from foldship_kernel.errors import FoldshipError

ARCHITECTURES = ("bert", "roberta", "xlm-roberta", "electra", "deberta-v2", "mpnet", "albert")
TEXTS = list(dict.fromkeys(fold_runner.rows(60)["question_body"]))


def config(source: Path, **settings: Any) -> Model:
    return Model.model_validate(
        {
            "backbone": str(source),
            "towers": [{"segments": ["answer"], "max_tokens": 32}],
            "stages": [{"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}],
            "adaptation": {"epochs": 3, "lr": 0.02, "max_tokens": 24, "batch_size": 8, **settings},
            "precision": "fp32",
        }
    )


def adapt(source: Path, folder: Path, **settings: Any) -> Path:
    return Path(adaptation.run(config(source, **settings), str(source), TEXTS, folder))


@pytest.fixture(scope="module")
def adapted(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapt(tiny_backbone, tmp_path_factory.mktemp("weights"))


def test_it_learns_to_guess_words_and_leaves_a_plain_backbone(tiny_backbone: Path, adapted: Path) -> None:
    found = receipts.read(adapted)["loss"]
    assert found["after"] < 0.8 * found["before"]
    before = backbone.load_encoder(str(tiny_backbone)).state_dict()
    after = backbone.load_encoder(str(adapted)).state_dict()
    assert before.keys() == after.keys()
    assert any((before[name] - after[name]).abs().max() > 1e-3 for name in before)
    ids = [
        loaded("why a lamp")["input_ids"]
        for loaded in map(backbone.load_tokenizer, map(str, (tiny_backbone, adapted)))
    ]
    assert ids[0] == ids[1]
    assert not (adapted / "training").exists()


@pytest.mark.parametrize(
    "kind", ["bert", "roberta", "xlm-roberta", "electra", "deberta-v2", "mpnet", "albert"]
)
def test_logits_of_masked_tokens_alone_give_the_loss_of_all(kind: str) -> None:
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = AutoConfig.for_model(kind, vocab_size=50, embedding_size=16, **sizes)
    model = AutoModelForMaskedLM.from_config(config).eval()
    ids = torch.randint(5, 50, (3, 9))
    labels = torch.where(torch.rand(ids.shape) < 0.4, ids, -100)
    loss = masked_words._loss(model, {"input_ids": ids}, labels)
    logits = model(input_ids=ids).logits
    assert logits.shape == (3, 9, 50)  # the model itself is as it was
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    torch.testing.assert_close(loss, expected)
    nothing = masked_words._loss(model, {"input_ids": ids}, torch.full_like(ids, -100))
    assert nothing == 0 and nothing.requires_grad


def test_the_same_adaptation_is_made_once(
    tiny_backbone: Path, adapted: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (adapted / "model.safetensors").stat().st_mtime_ns
    assert adapt(tiny_backbone, adapted.parent) == adapted
    assert "adapted before, kept" in capsys.readouterr().out
    assert (adapted / "model.safetensors").stat().st_mtime_ns == before


def test_a_cut_adaptation_goes_on_to_the_same_result(
    tiny_backbone: Path,
    adapted: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    whole = masked_words.Masking.__call__

    def cut(self: masked_words.Masking, draws: Sequence[int]) -> dict[str, Tensor]:
        if draws[0] >= len(self._pieces) * 2:  # in the third epoch
            raise KeyboardInterrupt
        return whole(self, draws)

    monkeypatch.setattr(masked_words.Masking, "__call__", cut)
    with pytest.raises(KeyboardInterrupt):
        adapt(tiny_backbone, tmp_path)
    monkeypatch.undo()
    again = adapt(tiny_backbone, tmp_path)
    assert "going on from checkpoint-" in capsys.readouterr().out
    expected, found = (load_file(folder / "model.safetensors") for folder in (adapted, again))
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, atol=1e-6, rtol=0)


def test_masks_depend_on_the_draws_alone(tiny_backbone: Path) -> None:
    tokenizer = backbone.load_tokenizer(str(tiny_backbone))
    pieces = tokenizer(TEXTS)["input_ids"]
    settings = config(tiny_backbone).adaptation
    assert settings is not None
    masks = masked_words.Masking(pieces, tokenizer, settings)
    draws = list(range(3, 19))
    first = masks(draws)
    other_epoch = masks([draw + len(pieces) for draw in draws])
    torch.manual_seed(99)
    torch.testing.assert_close(masks(draws), first)
    assert not torch.equal(other_epoch["labels"], first["labels"])
    restored = torch.where(first["labels"] >= 0, first["labels"], first["input_ids"])
    assert restored[0][first["attention_mask"][0].bool()].tolist() == pieces[3]


def test_what_a_backbone_cannot_take_is_named(tiny_backbone: Path, tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match=r"adaptation\.max_tokens: longer"):
        adapt(tiny_backbone, tmp_path, max_tokens=200)


def test_the_card_finds_the_adapted_backbone(adapted: Path, tiny_backbone: Path, tmp_path: Path) -> None:
    from declared import quest

    from foldship_kernel.encode import EncodingSpec
    from foldship_kernel.features import FeatureSpec

    spec = EncodingSpec((), 0.5, (1,), (2,), (2,), 0, False)
    folder = tmp_path / "quest" / "one"
    folder.mkdir(parents=True)
    card = store.ModelCard(
        "one", quest, str(adapted), config(tiny_backbone), spec, FeatureSpec(), "data", "print"
    )
    card.save(folder)
    assert json.loads((folder / store.CARD).read_text())["adapted"] == adapted.name
    assert store.load_card(folder).source == str(tmp_path / "quest" / "adapted" / adapted.name)
