from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from transformers import BertConfig, DistilBertConfig, XLNetConfig

from foldship.modelling.costs import cost
from foldship_kernel.encode import EncodedRows

ROWS = EncodedRows(
    sequences=[np.arange(length, dtype=np.int32) for length in (4, 9, 5)],
    boundaries=np.zeros(3, dtype=np.int32),
    index=np.array([[0, 1], [0, 2]]),
)


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
    found = cost(str(tmp_path), ROWS)
    assert (found.layers, found.width, found.intermediate) == (3, 12, 40)


def test_a_sequence_that_two_rows_share_is_counted_once(tmp_path: Path) -> None:
    BertConfig().save_pretrained(tmp_path)
    found = cost(str(tmp_path), ROWS)
    assert found.tokens_per_row == 18 / 2
    assert found.longest == 9
