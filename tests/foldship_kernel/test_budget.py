from __future__ import annotations

import pytest

from foldship_kernel.budget import ROUNDS, TokenBudget


def work(budget: TokenBudget, speeds: dict[int, float], batches: int) -> list[int]:
    """Run batches at `speeds` tokens a second by size; returns the sizes asked for."""
    sizes = []
    for _ in range(batches):
        size = budget.next()
        sizes.append(size)
        budget.record(size, size, size / speeds[size])
    return sizes


def test_the_fastest_size_is_found_and_kept() -> None:
    budget = TokenBudget([256, 512, 1024])
    sizes = work(budget, {256: 100.0, 512: 130.0, 1024: 120.0}, 3 * ROUNDS)
    assert set(sizes) == {256, 512, 1024}
    assert budget.found
    assert set(work(budget, {512: 1.0}, 20)) == {512}


def test_the_first_batch_of_each_size_is_not_counted() -> None:
    budget = TokenBudget([1, 2])
    for number in range(2 * ROUNDS):
        size = budget.next()
        first = number < 2
        slow = first if size == 1 else not first  # size 1 is slow only when it warms up
        budget.record(size, size, 10.0 if slow else 0.1)
    assert budget.value == 1


def test_while_little_is_known_nothing_is_chosen() -> None:
    budget = TokenBudget([256, 512, 1024])
    work(budget, {256: 100.0, 512: 1.0, 1024: 1.0}, 3)
    assert not budget.found
    assert budget.value == 512


@pytest.mark.parametrize("tried", [0, 12])
def test_what_does_not_fit_in_memory_is_never_tried_again(tried: int) -> None:
    budget = TokenBudget([256, 512, 1024, 2048])
    work(budget, {256: 1.0, 512: 2.0, 1024: 3.0, 2048: 4.0}, tried)
    budget.shrink(1000)
    assert {budget.next() for _ in range(20)} == {500}
    budget.record(500, 500, 0.001)
    budget.shrink(2000)  # a batch of another worker, cut before
    assert budget.value == 500
    budget.shrink(1)
    assert budget.value == 1
