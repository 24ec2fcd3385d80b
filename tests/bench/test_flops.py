from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModel, BertConfig

from bench import flops


def test_flops_are_those_that_torch_counts() -> None:
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=3, num_attention_heads=2, intermediate_size=48
    )
    # The counter does not know the fused attention of CPUs.
    model = AutoModel.from_config(config, attn_implementation="eager", add_pooling_layer=False).eval()
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        for length in (7, 20):
            model(torch.ones(1, length, dtype=torch.int64))
    assert flops.of_encoder(config, [7, 20]) == counter.get_total_flops()
