from __future__ import annotations

import numpy as np
import pytest
from clock import Clock

from foldship_kernel.deadline import Deadline
from foldship_kernel.governor import SHORTEST, Governor, Meter, OutOfTimeError, work
from foldship_kernel.manifest import Cost

WIDTH = 384
COST = Cost(layers=2, width=WIDTH, intermediate=4 * WIDTH, tokens_per_row=100.0, longest=512)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def governor(clock: Clock, limit_s: float = 100.0) -> Governor:
    return Governor(Deadline(0.0, limit_s, clock))


def test_a_long_sequences_tokens_cost_more() -> None:
    assert work(np.array([0]), COST) == 0
    alone = work(np.array([1]), COST)
    assert alone == pytest.approx(2 * 24 * WIDTH**2, rel=1e-3)
    # At six times the width, attention costs as much as all else.
    assert work(np.array([6 * WIDTH]), COST) / (6 * WIDTH) == pytest.approx(2 * alone, rel=1e-3)
    assert work(np.array([10, 20]), COST) == pytest.approx(
        work(np.array([10]), COST) + work(np.array([20]), COST)
    )


def test_nothing_is_forecast_before_anything_is_known(clock: Clock) -> None:
    assert governor(clock).needed_s("a", 1e9) == 0


def run(meter: Meter, clock: Clock, lengths: np.ndarray, seconds: float) -> None:
    """All sequences, one after another, in `seconds`."""
    total = work(lengths, COST)
    for length in lengths:
        clock.now += seconds * work(np.array([length]), COST) / total
        meter(np.array([length]))


def test_the_next_fold_takes_what_the_last_one_took(clock: Clock) -> None:
    chief = governor(clock)
    lengths = np.array([100, 50, 50, 10])
    amount = work(lengths, COST)
    chief.speed("a").load_s = 2.0
    run(Meter(chief, "a", amount, COST, whole=True), clock, lengths, 30.0)
    assert chief.needed_s("a", amount) == pytest.approx(32.0)
    assert chief.needed_s("a", amount, loaded=True) == pytest.approx(30.0)
    assert chief.needed_s("b", amount) == 0
    run(Meter(chief, "a", amount, COST, whole=True), clock, lengths, 60.0)
    assert chief.needed_s("a", amount) == pytest.approx(62.0)  # the last one counts
    chief.forget()
    assert chief.needed_s("a", amount) == 0


def test_longest_first_does_not_make_the_rest_look_slower(clock: Clock) -> None:
    """Tokens per second rise as sequences get shorter; work per second does not."""
    chief = governor(clock, 100.0)  # 96 s may be planned with
    lengths = np.concatenate([np.full(50, 512), np.full(2000, 16)])
    run(Meter(chief, "a", work(lengths, COST), COST, whole=True), clock, lengths, 95.0)


def test_what_will_not_fit_is_given_up_as_soon_as_that_shows(clock: Clock) -> None:
    lengths = np.full(100, 64)
    meter = Meter(governor(clock), "a", work(lengths, COST), COST, whole=True)
    with pytest.raises(OutOfTimeError, match="tokens/s"):
        run(meter, clock, lengths, 500.0)
    assert clock.now <= 0.05 * 500 + 5


def test_a_fold_that_begins_a_little_too_slow_is_not_given_up_at_once(clock: Clock) -> None:
    lengths = np.full(1000, 64)  # 96 s may be planned with
    meter = Meter(governor(clock), "a", work(lengths, COST), COST, whole=True)
    run(meter, clock, lengths[:100], 11.0)  # 99 s for the rest
    run(meter, clock, lengths[100:], 84.0)
    # If it stays too slow, it is given up in the end.
    clock.now = 0.0
    meter = Meter(governor(clock), "a", work(lengths, COST), COST, whole=True)
    with pytest.raises(OutOfTimeError):
        run(meter, clock, lengths, 115.0)
    assert 10 < clock.now < 90


def test_where_half_counts_the_work_goes_on_until_time_is_up(clock: Clock) -> None:
    lengths = np.full(100, 64)
    meter = Meter(governor(clock), "a", work(lengths, COST), COST, whole=False)
    with pytest.raises(OutOfTimeError):
        run(meter, clock, lengths, 500.0)
    assert 90 < clock.now <= 100.001


def test_the_last_batch_is_never_refused(clock: Clock) -> None:
    lengths = np.full(10, 64)
    meter = Meter(governor(clock), "a", work(lengths, COST), COST, whole=True)
    clock.now = 500.0
    meter(lengths)
    assert meter.tokens == 640


def test_the_longest_affordable_cut_fits_and_one_token_more_does_not(clock: Clock) -> None:
    chief = governor(clock)
    lengths = np.array([400] * 5 + [300] * 50 + [20] * 40)
    with pytest.raises(OutOfTimeError):
        run(Meter(chief, "a", work(lengths, COST), COST, whole=True), clock, lengths, 300.0)
    longest = chief.longest_affordable("a", lengths, COST)
    rate = chief.speed("a").rate
    left = chief.deadline.left_s()
    assert SHORTEST < longest < 400
    assert work(np.minimum(lengths, longest), COST) / rate <= 0.8 * left
    assert work(np.minimum(lengths, longest + 1), COST) / rate > 0.8 * left
    chief.speed("a").load_s = 0.2 * left  # the fold must be loaded again
    assert SHORTEST < chief.longest_affordable("a", lengths, COST) < longest
    clock.now = 97.9
    assert chief.longest_affordable("a", lengths, COST) == 0


def test_slow_first_batches_do_not_make_the_rest_look_slow(clock: Clock) -> None:
    chief = governor(clock, 30.0)  # 28 s may be planned with
    lengths = np.full(1000, 64)
    meter = Meter(chief, "a", work(lengths, COST), COST, whole=True)
    # 40 s if all went on like the first batches, and still 31 s after one second.
    run(meter, clock, lengths[:15], 0.6)
    run(meter, clock, lengths[15:115], 2.0)
    assert meter.to_go_s == pytest.approx(885 * 0.02, rel=0.02)
    run(meter, clock, lengths[115:], 17.7)
    # As a whole, the next one takes as long.
    assert chief.needed_s("a", work(lengths, COST)) == pytest.approx(20.3)


def test_between_batches_the_rate_stays_what_it_was(clock: Clock) -> None:
    lengths = np.full(10, 64)
    meter = Meter(governor(clock), "a", work(lengths, COST), COST, whole=True)
    run(meter, clock, lengths[:1], 1.0)
    assert meter.to_go_s == pytest.approx(9.0)
    clock.now += 5.0
    assert meter.to_go_s == pytest.approx(9.0)
