from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from foldship import runs
from foldship.runs import board, record
from foldship_kernel.errors import DataError, FoldshipError

ROWS = 30


def truth(rows: int = ROWS) -> pd.DataFrame:
    values = np.random.default_rng(0).random((rows, 2))
    table = pd.DataFrame(values, columns=["one", "two"])
    table.insert(0, "row", [f"0{row}" for row in range(rows)])
    table.insert(1, "group", [str(row // 2) for row in range(rows)])
    return table


def keep(
    folder: Path, name: str, score: float | None = 0.4, table: pd.DataFrame | None = None, **more: Any
) -> Path:
    """Keep a run of this name (its settings are nothing else) with some score."""
    table = truth() if table is None else table
    oof = table.drop(columns="group").assign(fold=np.arange(len(table)) % 3).iloc[::-1]
    source = folder.parent / "source"
    source.mkdir(exist_ok=True)
    for file in (record.RAW, record.NESTED):
        oof.to_csv(source / file, index=False)
    scores = {"columns": 2, "nested": score, "raw": score}
    identity = {"config": {"name": name}, "data": "d"}
    facts: dict[str, Any] = {
        "recipe": name,
        "finished": "2020-01-01T00:00:00+00:00",
        "models": {},
        "code": {},
    }
    facts |= {"rows": len(table), "scores": {"all": scores, "without_rare": scores}} | more
    tables = {file: source / file for file in (record.RAW, record.NESTED)}
    return runs.write(folder, identity, facts, tables, table)


def test_a_run_is_kept_once_and_read_back(tmp_path: Path) -> None:
    folder = keep(tmp_path / "runs", "a")
    content = (folder / record.FILE_NAME).read_bytes()
    assert keep(tmp_path / "runs", "a", score=0.9) == folder
    assert (folder / record.FILE_NAME).read_bytes() == content
    run = runs.find(tmp_path / "runs", folder.name[:4])
    assert run.score("all", "nested") == 0.4
    pd.testing.assert_frame_equal(board.aligned(run.truth, truth().iloc[:, 0]), truth(), check_dtype=False)
    assert list(run.raw.columns) == ["row", "one", "two", "fold"]
    assert run.raw["row"].iloc[0] == f"0{ROWS - 1}"


def test_a_run_that_is_made_again_is_the_latest_of_its_recipe(tmp_path: Path) -> None:
    first, second = keep(tmp_path / "runs", "a"), keep(tmp_path / "runs", "b")
    for folder, recipe, day in ((first, "fast", 3), (second, "fast", 2)):
        facts = json.loads((folder / record.FILE_NAME).read_text())
        facts |= {"recipe": recipe, "finished": f"2020-01-0{day}T00:00:00+00:00"}
        (folder / record.FILE_NAME).write_text(json.dumps(facts))
    assert runs.find(tmp_path / "runs", "fast").name == first.name
    keep(tmp_path / "runs", "b", finished="2020-01-04T00:00:00+00:00", recipe="fast")
    assert runs.find(tmp_path / "runs", "fast").name == second.name
    keep(tmp_path / "runs", "b", finished="2020-01-05T00:00:00+00:00", recipe="mine")
    assert runs.find(tmp_path / "runs", "mine").name == second.name


def test_the_order_of_the_rows_is_no_other_data(tmp_path: Path) -> None:
    first = keep(tmp_path / "runs", "a")
    assert keep(tmp_path / "runs", "a", table=truth().iloc[::-1]) == first


def test_runs_on_the_same_rows_share_the_truth(tmp_path: Path) -> None:
    for name in "abc":
        keep(tmp_path / "runs", name)
    assert len(list((tmp_path / "runs").glob("truth-*.csv"))) == 1
    keep(tmp_path / "runs", "d", table=truth(ROWS - 2))
    assert len(list((tmp_path / "runs").glob("truth-*.csv"))) == 2


def test_the_best_run_comes_first_and_those_without_a_score_last(tmp_path: Path) -> None:
    for name, score in (("bad", 0.1), ("none", None), ("good", 0.5)):
        keep(tmp_path / "runs", name, score)
    found, notes = runs.load_all(tmp_path / "runs")
    assert [run.facts["recipe"] for run in found] == ["good", "bad", "none"]
    assert notes == []


def test_what_a_full_disk_or_a_kill_leaves_is_no_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(record.shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space"):
            keep(tmp_path / "runs", "a")
    assert [path for path in (tmp_path / "runs").iterdir() if path.is_dir()] == []
    killed = tmp_path / "runs" / ".0123456789.xyz.part"
    killed.mkdir()
    (killed / record.FILE_NAME).write_text("{")
    assert runs.load_all(tmp_path / "runs") == ([], [])
    keep(tmp_path / "runs", "a")
    assert not killed.exists()
    assert len(runs.load_all(tmp_path / "runs")[0]) == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('{"format": 1', "Expecting"),
        ("[]", "without truth"),
        ("{}", "without truth"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_and_the_others_listed(
    tmp_path: Path, content: str, found: str
) -> None:
    good, bad = keep(tmp_path / "runs", "good"), keep(tmp_path / "runs", "bad")
    (bad / record.FILE_NAME).write_text(content)
    with pytest.raises(FoldshipError, match=found) as caught:
        runs.find(tmp_path / "runs", bad.name)
    assert str(bad) in str(caught.value)
    listed, notes = runs.load_all(tmp_path / "runs")
    assert [run.name for run in listed] == [good.name]
    assert len(notes) == 1 and bad.name in notes[0]


def test_another_format_is_not_guessed_at(tmp_path: Path) -> None:
    folder = keep(tmp_path / "runs", "a")
    facts = json.loads((folder / record.FILE_NAME).read_text())
    (folder / record.FILE_NAME).write_text(json.dumps({**facts, "format": 99}))
    with pytest.raises(FoldshipError, match="format 99"):
        runs.load(folder)


def test_an_unknown_or_unclear_name_lists_the_runs(tmp_path: Path) -> None:
    with pytest.raises(FoldshipError, match="no run at all"):
        runs.find(tmp_path / "runs", "a")
    first, second = keep(tmp_path / "runs", "a"), keep(tmp_path / "runs", "b")
    with pytest.raises(FoldshipError, match="there is no run 'xyz'") as caught:
        runs.find(tmp_path / "runs", "xyz")
    assert first.name in str(caught.value) and second.name in str(caught.value)
    (first.parent / f"{first.name[:5]}zzzzz").mkdir()
    (first.parent / f"{first.name[:5]}zzzzz" / record.FILE_NAME).write_text("{}")
    with pytest.raises(FoldshipError, match="2 runs begin with"):
        runs.find(tmp_path / "runs", first.name[:5])


def test_runs_on_different_rows_are_not_compared(tmp_path: Path) -> None:
    one, same = keep(tmp_path / "runs", "a"), keep(tmp_path / "runs", "b")
    other = keep(tmp_path / "runs", "c", table=truth(ROWS - 2))
    first, second, values = board.same_rows(runs.load(one), runs.load(same))
    assert list(first["row"]) == list(second["row"]) == list(values["row"])
    with pytest.raises(DataError, match="scored on different rows"):
        board.same_rows(runs.load(one), runs.load(other))


def test_a_table_that_is_gone_is_named(tmp_path: Path) -> None:
    folder = keep(tmp_path / "runs", "a")
    (folder / record.RAW).unlink()
    with pytest.raises(FoldshipError, match=r"oof\.csv"):
        _ = runs.load(folder).raw
