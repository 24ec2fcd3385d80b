from __future__ import annotations

import psutil
from transformers import TrainerControl, TrainerState, TrainingArguments

from foldship.training import memory


def test_memory_goes_back_every_so_many_steps(tmp_path: object) -> None:
    trimmed: list[int] = []
    callback = memory.GiveBack(lambda: trimmed.append(step))
    arguments = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    for step in range(1, 3 * memory.STEPS):
        callback.on_step_end(arguments, TrainerState(global_step=step), TrainerControl())
    assert trimmed == [memory.STEPS, 2 * memory.STEPS]


def test_holes_in_the_heap_go_back_to_the_system() -> None:
    """Below a block that is still in use, glibc keeps what is freed."""
    process = psutil.Process()
    memory.give_back()
    blocks = [bytearray(100_000) for _ in range(2_000)]
    kept = blocks[::100]
    full = process.memory_info().rss
    del blocks
    before = process.memory_info().rss
    memory.give_back()
    after = process.memory_info().rss
    assert len(kept) == 20
    assert after < full - 100_000_000
    assert after <= before
