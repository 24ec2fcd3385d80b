from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from declared import quest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast, RobertaConfig

from foldship.competitions import quest_sample
from foldship.config.schema import Model
from foldship.modelling import backbone, reading
from foldship_kernel.encoded import EncodedRows, ends
from foldship_kernel.errors import FoldshipError
from foldship_kernel.features import FeatureSpec

VOCABULARY = {"<s>": 0, "<pad>": 1, "</s>": 2, "a": 3, "b": 4, "<unk>": 5}


def config(**tower: Any) -> Model:
    settings = {"segments": ["question_title", "answer"], "max_tokens": 32, **tower}
    stage = {"train": "full", "epochs": 1, "encoder_lr": 1e-4, "head_lr": 1e-3}
    return Model.model_validate({"backbone": "any", "towers": [settings], "stages": [stage]})


def tokenizer(template: str | None) -> PreTrainedTokenizerFast:
    """A tokenizer of words, of the plain kind that knows its special tokens from its files alone."""
    words = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    if template:
        special = [(name, VOCABULARY[name]) for name in ("<s>", "</s>")]
        words.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair=template, special_tokens=special
        )
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="<pad>")


def test_special_tokens_are_those_that_the_tokenizer_puts_around_a_pair() -> None:
    spec = reading.encoding_spec(config(), tokenizer("<s> $A </s> </s> $B:1 </s>:1"), quest, 32)
    assert (spec.prefix_ids, spec.between_ids, spec.suffix_ids, spec.pad_id) == ((0,), (2, 2), (2,), 1)


def test_padding_and_truncation_of_the_tokenizer_itself_are_no_special_tokens() -> None:
    padded = tokenizer("<s> $A </s> </s> $B:1 </s>:1")
    padded.backend_tokenizer.enable_padding(length=16, pad_id=1, pad_token="<pad>")
    padded.backend_tokenizer.enable_truncation(5)
    spec = reading.encoding_spec(config(), padded, quest, 32)
    assert (spec.prefix_ids, spec.between_ids, spec.suffix_ids) == ((0,), (2, 2), (2,))


def test_the_embedded_backbone_reads_words_to_the_last_token(tmp_path: Path) -> None:
    """Its tokenizer pads to 128 tokens when left to itself; no sequence may hold a pad."""
    words = backbone.load_tokenizer(backbone.locate(backbone.EMBEDDED, tmp_path))
    spec = reading.encoding_spec(config(), words, quest, 512)
    assert (spec.prefix_ids, spec.between_ids, spec.suffix_ids) == ((101,), (102,), (102,))
    words.backend_tokenizer.save(str(tmp_path / "tokenizer.json"))
    quest_sample.write(tmp_path, quest)
    rows = pd.read_csv(tmp_path / "test.csv", dtype=object)
    encoded, _ = reading.read_rows(rows, quest, tmp_path / "tokenizer.json", spec, FeatureSpec())
    assert not (encoded.tokens == spec.pad_id).any()
    assert encoded.lengths.max() == 32


def test_a_tokenizer_without_special_tokens_is_refused() -> None:
    with pytest.raises(FoldshipError, match="no special tokens around a pair"):
        reading.encoding_spec(config(), tokenizer(None), quest, 32)


@pytest.mark.parametrize(
    ("tower", "message"),
    [
        ({"segments": ["question", "answer"]}, "has no text 'question'"),
        ({"max_tokens": 64}, "longer than the backbone takes"),
    ],
)
def test_a_tower_that_cannot_be_read_is_named(tower: dict[str, Any], message: str) -> None:
    with pytest.raises(FoldshipError, match=message):
        reading.encoding_spec(config(**tower), tokenizer("<s> $A </s> $B </s>"), quest, 32)


def test_positions_begin_after_the_padding_id_in_roberta(tmp_path: Path) -> None:
    RobertaConfig(max_position_embeddings=514, pad_token_id=1).save_pretrained(tmp_path)
    assert backbone.positions(str(tmp_path), tokenizer("<s> $A </s> $B </s>")) == 512


def test_rows_of_all_lengths_hold_the_shortest_and_the_longest() -> None:
    lengths = np.array([9, 3, 50, 7, 7, 20])
    tokens = np.zeros(lengths.sum(), dtype=np.int32)
    encoded = EncodedRows(tokens, ends(lengths), lengths.astype(np.int32), np.arange(6)[:, None])
    chosen = reading.of_all_lengths(encoded, 3)
    assert len(chosen) == 3 and {1, 2} <= set(chosen.tolist())
    assert reading.of_all_lengths(encoded, 99).tolist() == list(range(6))
