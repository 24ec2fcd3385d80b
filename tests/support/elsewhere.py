"""Models as other people's scripts leave them: tiny, random, and saved by the libraries that people use."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import transformers
import yaml
from torch import nn
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from foldship import competitions
from foldship.adoption import Given
from foldship.competitions.base import Competition
from foldship.modelling import library, predict, reading, store
from foldship_kernel.atomic import write_text

SIZES: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
    "initializer_range": 0.2,  # so that texts make a difference
}
KINDS = {
    "bert": (transformers.BertConfig, {}),
    "roberta": (transformers.RobertaConfig, {"type_vocab_size": 1}),
    "electra": (transformers.ElectraConfig, {"embedding_size": 16}),
    "deberta-v2": (
        transformers.DebertaV2Config,
        {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "type_vocab_size": 0},
    ),
}
TOKENS = 24
WORDS = ["lovely", "broken", "late", "parcel", "when", "shop", "the", "refund", "great", "it"]


def competition(folder: Path, **declared: Any) -> Competition:
    """A small competition: title and body, and a number from -5 to 5 unless something else is declared."""
    content = {
        "id": "key",
        "texts": ["title", "body"],
        "targets": {"columns": ["rating"], "range": [-5, 5]},
        "metric": "pearson",
        **declared,
    }
    (folder / "small").mkdir(parents=True, exist_ok=True)
    write_text(folder / "small" / competitions.FILE_NAME, yaml.safe_dump(content, sort_keys=False))
    return competitions.get(folder, "small")


def texts(count: int, seed: int = 0) -> pd.DataFrame:
    """Keys and texts of some rows, of which some have what a cleaning would change."""
    random = np.random.default_rng(seed)
    bodies = [" ".join(random.choice(WORDS, random.integers(1, 40))) for _ in range(count)]
    bodies[0], bodies[1] = "two  spaces &amp; a\nline", "É" * 3
    titles = [f"About {random.choice(WORDS)} {number}" for number in range(count)]
    return pd.DataFrame({"key": [f"r{seed}-{n:03}" for n in range(count)], "title": titles, "body": bodies})


def classifier(
    folder: Path,
    backbone: Path,
    *,
    kind: str = "bert",
    outputs: int = 1,
    seed: int = 0,
    max_length: int | None = None,
    **config: Any,
) -> Any:
    """Save a classifier and its tokenizer in `folder`; returns the model.

    Args:
        folder: made.
        backbone: whose tokenizer it has.
        kind: of KINDS.
        outputs: number of logits.
        seed: of the weights.
        max_length: as sequences were cut when the tokenizer was saved.
        config: further settings, such as `id2label` and `problem_type`.
    """
    tokenizer = AutoTokenizer.from_pretrained(backbone)
    make, own = KINDS[kind]
    torch.manual_seed(seed)
    settings = make(
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        num_labels=outputs,
        **SIZES,
        **own,
        **config,
    )
    model = AutoModelForSequenceClassification.from_config(settings).eval()
    with torch.no_grad():  # far enough from zero that a mistake shows
        for name, tensor in model.named_parameters():
            if not name.startswith(f"{model.base_model_prefix}.") or "pooler" in name:
                tensor.normal_(std=0.3)
    model.save_pretrained(folder)
    if max_length is not None:
        tokenizer("a", truncation=True, max_length=max_length)
    tokenizer.save_pretrained(folder)
    return model


def logits(model: Any, folder: Path, rows: pd.DataFrame, names: Sequence[str], max_length: int) -> np.ndarray:
    """What a script would compute: (rows, outputs), tokenised by the model's own tokenizer, all at once."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    columns = [list(rows[name].fillna("")) for name in names]
    batch = tokenizer(*columns, truncation=True, max_length=max_length, padding=True, return_tensors="pt")
    if model.config.type_vocab_size < 2:
        del batch["token_type_ids"]  # the tokenizer is a BERT's
    with torch.inference_mode():
        return model(**batch).logits.numpy().astype(np.float64)


class _Logits(nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        names = ("input_ids", "attention_mask", "token_type_ids")
        return self.model(**dict(zip(names, inputs, strict=False))).logits


def graph(path: Path, model: Any, *, segments: bool = True) -> None:
    """Export a classifier as other people do: `input_ids`, `attention_mask`, `token_type_ids` to `logits`."""
    names = ["input_ids", "attention_mask", "token_type_ids"][: 3 if segments else 2]
    axes = {name: {0: "batch", 1: "sequence"} for name in names} | {"logits": {0: "batch"}}
    example = tuple(torch.ones(2, 8, dtype=torch.int64) for _ in names)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Logits(model).eval(),
            example,
            str(path),
            input_names=names,
            output_names=["logits"],
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


def sentences(
    folder: Path,
    backbone: Path,
    *,
    dense: int | None = None,
    pooling: Sequence[str] = ("mean_tokens",),
    seed: int = 0,
    max_length: int = 32,
) -> None:
    """Lay down a sentence-transformers model: a transformer, pooling, a Dense layer or none, and a norm."""
    shutil.copytree(backbone, folder)
    torch.manual_seed(seed)
    model = transformers.AutoModel.from_pretrained(backbone)
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(torch.randn_like(tensor) * 0.05)
    model.save_pretrained(folder)
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
    parts: list[tuple[str, str, dict[str, Any]]] = [
        (
            "1_Pooling",
            "Pooling",
            {"word_embedding_dimension": 32, **{f"pooling_mode_{m}": m in pooling for m in modes}},
        )
    ]
    if dense:
        layer = nn.Linear(32 * len(pooling), dense)
        parts.append(
            (
                "2_Dense",
                "Dense",
                {
                    "in_features": layer.in_features,
                    "out_features": dense,
                    "bias": True,
                    "activation_function": "torch.nn.modules.activation.Tanh",
                },
            )
        )
    parts.append((f"{len(parts) + 1}_Normalize", "Normalize", {}))
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"}]
    for number, (place, kind, config) in enumerate(parts, start=1):
        (folder / place).mkdir()
        (folder / place / "config.json").write_text(json.dumps(config))
        kind = f"sentence_transformers.models.{kind}"
        modules.append({"idx": number, "name": str(number), "path": place, "type": kind})
    if dense:
        from safetensors.torch import save_file

        state = {f"linear.{name}": tensor.detach() for name, tensor in layer.state_dict().items()}
        save_file(state, folder / "2_Dense" / "model.safetensors")
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": max_length}))


def outputs(given: Given, name: str, fold: int = 0) -> np.ndarray:
    """Predictions of an adopted fold for the training rows, read as the kernel reads them: (rows, C)."""
    folder = given.weights / name
    card, model = library.load_card(folder), library.load_fold(folder, fold)
    encoded, features = reading.read_rows(
        given.rows, given.task, folder / store.TOKENIZER, card.encoding, card.features
    )
    vectors = predict.encode(model, encoded, card.encoding)
    return given.task.outputs(predict.logits(model, vectors, encoded, features))
