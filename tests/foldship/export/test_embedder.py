from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from foldship.export import embedder
from foldship.modelling import backbone, reading
from foldship_kernel.encode import EncodingSpec
from foldship_kernel.errors import FoldshipError
from foldship_kernel.retrieval import index, meaning

TEXTS = ["Does it rain?", "A much longer text, " * 20, "", "Does it rain?", "고양이"]


def encoding(source: Path) -> EncodingSpec:
    tokenizer = backbone.load_tokenizer(str(source))
    return reading.text_encoding(tokenizer, "tiny", meaning.TEXT, 32)


def test_the_graph_gives_the_encoders_vectors(tiny_backbone: Path, tmp_path: Path) -> None:
    spec = encoding(tiny_backbone)
    embedder.write(str(tiny_backbone), spec, tmp_path, TEXTS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([index.ENCODER, index.TOKENIZER])
    counted: list[int] = []
    found = meaning.Embedder(tmp_path / index.ENCODER, tmp_path / index.TOKENIZER, spec)(
        TEXTS, counted.append
    )
    tokenizer = AutoTokenizer.from_pretrained(tiny_backbone)
    model = AutoModel.from_pretrained(tiny_backbone).eval()
    inputs = tokenizer(TEXTS, padding=True, truncation=True, max_length=32, return_tensors="pt")
    with torch.inference_mode():
        states = model(**inputs).last_hidden_state
    mask = inputs["attention_mask"].unsqueeze(-1)
    mean = torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1).numpy()
    np.testing.assert_allclose((found * mean).sum(axis=1), 1, atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found[0], found[3])
    assert sum(counted) == 4  # each distinct text once


def test_texts_that_there_is_no_time_for_get_zeros(tiny_backbone: Path, tmp_path: Path) -> None:
    spec = encoding(tiny_backbone)
    embedder.write(str(tiny_backbone), spec, tmp_path, [])
    embed = meaning.Embedder(tmp_path / index.ENCODER, tmp_path / index.TOKENIZER, spec)
    assert not embed(TEXTS, goes_on=lambda: False).any()


def test_a_graph_that_gives_other_vectors_is_refused(
    tiny_backbone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedder, "LEAST_COSINE", 1.01)
    with pytest.raises(FoldshipError, match="gives other vectors than the encoder"):
        embedder.write(str(tiny_backbone), encoding(tiny_backbone), tmp_path, TEXTS)
