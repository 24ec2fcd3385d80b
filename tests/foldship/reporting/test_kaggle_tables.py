from __future__ import annotations

from foldship.reporting import kaggle_tables


def test_rules_that_fail_are_alarming_and_warnings_are_not() -> None:
    rules = {
        "names": {"level": "passed", "seen": "as they should be", "remedy": ""},
        "owner": {"level": "FAILED", "seen": "another's", "remedy": "set owner"},
        "git state": {"level": "warning", "seen": "not committed", "remedy": "commit"},
    }
    table = kaggle_tables.diagnosis({"passed": False, "rules": rules})
    assert table.title == "Before a push: FAILED, 1 of 3"
    assert table.rows[1] == ("owner", "FAILED", "another's", "set owner")
    assert table.alarming == {1}
    assert (
        "nothing in the way"
        in kaggle_tables.diagnosis({"passed": True, "rules": {"names": rules["names"]}}).title
    )


def test_a_push_is_told_with_its_score_if_there_is_one() -> None:
    facts = {
        "kernel": {"version": 3, "url": "https://www.kaggle.com/code/me/kernel"},
        "compared": {
            "rows": 476,
            "largest": 1e-3,
            "lowest_rank_correlation": 0.9999,
            "seconds": 61,
            "folds": 4,
        },
        "submission": {"ref": 7, "score": "0.41"},
    }
    metadata = {"id": "me/kernel", "dataset_sources": ["me/one", "me/one-2"]}
    shown = dict(kaggle_tables.push(metadata, facts).rows)
    assert shown["datasets"] == "me/one, me/one-2"
    assert shown["kernel"] == "me/kernel, version 3"
    assert "476 rows" in shown["against the rehearsal"] and "0.999900" in shown["against the rehearsal"]
    assert shown["submission"] == "7, public score 0.41"
    assert "submission" not in dict(kaggle_tables.push(metadata, {**facts, "submission": {}}).rows)
