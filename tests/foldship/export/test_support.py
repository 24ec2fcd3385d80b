from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import transformers

from foldship.export import support
from foldship_kernel.errors import FoldshipError

SIZES = {
    "vocab_size": 50,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "max_position_embeddings": 64,
}


def backbone(folder: Path, kind: str, **more: Any) -> str:
    transformers.AutoConfig.for_model(kind, **SIZES, **more).save_pretrained(folder)
    return str(folder)


@pytest.mark.parametrize("kind", ["mpnet", "albert"])
def test_a_backbone_that_cannot_be_exported_is_refused(tmp_path: Path, kind: str) -> None:
    source = backbone(tmp_path, kind, **({"embedding_size": 16} if kind == "albert" else {}))
    with pytest.raises(FoldshipError, match=f"{kind} encoder could be trained, but not exported") as failure:
        support.check(source)
    assert f"attention of a {kind} encoder did not fuse" in failure.value.found


def test_a_backbone_that_can_is_tried_unless_it_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []
    real = support.fuse

    def watched(path: Path, config: Any) -> Any:
        tried.append(config.model_type)
        return real(path, config)

    monkeypatch.setattr(support, "fuse", watched)
    support.check(backbone(tmp_path / "one", "camembert", pad_token_id=1))
    support.check(backbone(tmp_path / "two", "xlm-roberta", pad_token_id=1))
    assert tried == ["camembert"]


def test_a_backbone_that_is_not_there_is_left_to_training(tmp_path: Path) -> None:
    support.check(str(tmp_path / "nowhere"))
