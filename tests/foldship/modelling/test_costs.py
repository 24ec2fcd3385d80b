from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import BertConfig, DistilBertConfig, XLNetConfig

from foldship.modelling.costs import cost

LENGTHS = np.array([4, 9, 5])


@pytest.mark.parametrize(
    "config",
    [
        BertConfig(num_hidden_layers=3, hidden_size=12, intermediate_size=40),
        DistilBertConfig(n_layers=3, dim=12, hidden_dim=40),
        XLNetConfig(n_layer=3, d_model=12, n_head=2, d_inner=40),
    ],
)
def test_the_size_is_read_from_any_backbones_settings(config: BertConfig, tmp_path: Path) -> None:
    config.save_pretrained(tmp_path)
    found = cost(str(tmp_path), LENGTHS, rows=2)
    assert (found.layers, found.width, found.intermediate) == (3, 12, 40)


def test_tokens_are_those_of_distinct_sequences_by_row(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    found = cost(str(tmp_path), LENGTHS, rows=2)
    assert found.tokens_per_row == 9
    assert found.longest == 9
