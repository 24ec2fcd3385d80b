from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from bench import contest, texts, timing
from bench.contest import Contestant, Outcome, Run
from foldship_kernel.encoded import EncodedRows
from foldship_kernel.errors import FoldshipError

LENGTHS = (3, 9, 5, 7)
ROWS = texts.gather([np.arange(length, dtype=np.int32) for length in LENGTHS])
REFERENCE = np.array(LENGTHS, dtype=np.float32)[:, None]


def lengths(rows: EncodedRows, error: float = 0.0) -> contest.Vectors:
    """The right vectors, but for an error as a share of their root mean square."""
    scale = float(np.sqrt(np.mean(np.square(REFERENCE))))
    return np.asarray(rows.lengths[rows.index] + error * scale, dtype=np.float32)


def off_by(error: float) -> Callable[[], Run]:
    return lambda: lambda rows: lengths(rows, error)


def missing() -> Run:
    raise ModuleNotFoundError("No module named 'peer'", name="peer")


def absent() -> Run:
    raise contest.UnavailableError("no such instruction")


def broken() -> Run:
    raise RuntimeError("no such instruction")


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing.time, "sleep", lambda seconds: None)


def hold(contestants: Sequence[Contestant]) -> Outcome:
    return contest.hold(
        contestants,
        ROWS,
        REFERENCE,
        rounds=2,
        padded_rows=2,
        flops=1e6,
        peaks={"fp32": lambda: 2e6},
        describe="test",
    )


OURS = Contestant("ours", "Ours", "fp32", off_by(0.001), ours=True)


def test_errors_are_measured_and_our_engine_is_set_against_all_of_its_precision() -> None:
    outcome = hold(
        [
            Contestant("plain", "Plain", "fp32", off_by(0.0)),
            Contestant("quick", "Quick", "bf16", off_by(0.1)),
            OURS,
        ]
    )
    assert outcome.errors == pytest.approx({"plain": 0.0, "quick": 0.1, "ours": 0.001}, abs=1e-6)
    assert outcome.tokens == sum(LENGTHS)
    assert set(outcome.ratios) == {"speed_ours_vs_plain", "flops_ours_vs_matmul_peak"}
    expected = outcome.seconds["plain"] / outcome.seconds["ours"]
    assert outcome.ratios["speed_ours_vs_plain"] == pytest.approx(expected)
    assert outcome.ratios["flops_ours_vs_matmul_peak"] == pytest.approx(0.5 / outcome.seconds["ours"])


def test_a_lower_precision_of_ours_is_set_against_fp32_too() -> None:
    own = Contestant("ours_bf16", "Ours", "bf16", off_by(0.0), ours=True)
    peers = [Contestant(name, name, name, off_by(0.0)) for name in ("fp32", "bf16", "int8")]
    assert set(hold([*peers, own]).ratios) == {"speed_ours_bf16_vs_fp32", "speed_ours_bf16_vs_bf16"}


def test_peers_that_are_missing_broken_or_wrong_are_named_and_the_others_count() -> None:
    contestants = [
        Contestant("gone", "Gone", "fp32", missing),
        Contestant("hurt", "Hurt", "fp32", broken),
        Contestant("wrong", "Wrong", "fp32", off_by(0.5)),
        Contestant("nan", "NaN", "int8", off_by(float("nan"))),
        OURS,
    ]
    outcome = hold(contestants)
    assert list(outcome.seconds) == ["ours"]
    assert outcome.reasons == {
        "gone": "not installed: peer",
        "hurt": "failed: RuntimeError('no such instruction')",
        "wrong": "wrong: error 5.0e-01",
        "nan": "wrong: error inf",
    }
    table = outcome.table()
    assert table.alarming == {0, 1, 2, 3}
    assert table.rows[0][:3] == ("Gone", "fp32", "not installed: peer")
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_an_engine_of_ours_may_lack_a_library_but_not_fail() -> None:
    lacking = Contestant("lacking", "Lacking", "bf16", missing, ours=True)
    other = Contestant("other", "Other", "bf16", absent, ours=True)
    assert hold([lacking, other, OURS]).reasons == {
        "lacking": "not installed: peer",
        "other": "not to be had: no such instruction",
    }
    with pytest.raises(RuntimeError, match="no such instruction"):
        hold([Contestant("hurt", "Hurt", "fp32", broken, ours=True)])
    with pytest.raises(FoldshipError, match="our own engine"):
        hold([Contestant("wrong", "Wrong", "fp32", off_by(0.5), ours=True)])


def test_who_pads_runs_a_sample_and_its_seconds_are_scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def run(rows: EncodedRows) -> contest.Vectors:
        seen.append(len(rows.index))
        return lengths(rows)

    clock = iter(range(1000))
    monkeypatch.setattr(timing.time, "perf_counter", lambda: float(next(clock)))
    outcome = hold([Contestant("padded", "Padded", "fp32", lambda: run, padded_to=16), OURS])
    assert seen[1:] == [2, 2]  # after the warm-up
    assert outcome.seconds == {"padded": 2.0, "ours": 1.0}
    assert outcome.ratios["speed_ours_vs_padded"] == 2.0
