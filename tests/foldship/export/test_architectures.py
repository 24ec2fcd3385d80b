from __future__ import annotations

import json

import pytest

from foldship import export
from foldship.export import support


@pytest.mark.parametrize(
    ("kind", "segment_ids", "attentions"),
    [
        ("bert", True, 2),
        ("roberta", False, 2),
        ("xlm-roberta", False, 2),
        ("electra", True, 2),
        ("deberta-v2", False, 0),
    ],
)
def test_architecture_exports_with_parity(kind, segment_ids, attentions, train, tmp_path):
    trained = train(kind, segment_ids=segment_ids, folds=1)
    summary = export.run(trained.folder, trained.folds, trained.encoded, trained.features, tmp_path / kind)
    assert kind in support.KNOWN
    assert summary["fused_attentions"] == attentions
    fold = json.loads((tmp_path / kind / "parity.json").read_text())["folds"][0]
    # There was no adapter to merge.
    assert [rung["rung"] for rung in fold["rungs"]] == ["fused", "half precision", "half precision on CPU"]
