"""Sentences with marked entities."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from declared import KERNELS

from foldship import competitions
from foldship.competitions import klue_re as further
from foldship_kernel import spans
from foldship_kernel.errors import DataError
from foldship_kernel.tasks import klue_re

KLUE = competitions.get(KERNELS, "klue_re")
SENTENCE = "(이순신 장군은 조선의 무신)이다."


def entity(word: str, kind: str, start: int, **changes: object) -> str:
    return repr({"word": word, "start_idx": start, "end_idx": start + len(word) - 1, "type": kind, **changes})


def rows(sentence: object, subject: object, other: object) -> pd.DataFrame:
    columns = {"id": "r1", "sentence": sentence, "subject_entity": subject, "object_entity": other}
    return pd.DataFrame([columns], dtype=object)


def texts(sentence: str, subject: str, other: str) -> dict[str, str]:
    made = klue_re.derive(rows(sentence, subject, other), strict=True)
    return {name: made[name].iloc[0] for name in klue_re.ADDED}


def within(text: str) -> dict[int, str]:
    plain, extents = spans.take_out(text)
    return {number: plain[start:stop] for number, start, stop in extents}


def test_entities_are_marked_with_their_types() -> None:
    made = texts(SENTENCE, entity("이순신", "PER", 1), entity("조선", "ORG", 9))
    assert spans.clear(made["typed"]) == "(@ * 사람 * 이순신 @ 장군은 # ^ 단체 ^ 조선 #의 무신)이다."
    assert spans.clear(made["typed_en"]) == "(@ * PER * 이순신 @ 장군은 # ^ ORG ^ 조선 #의 무신)이다."
    assert spans.clear(made["marked"]) == "(@ 이순신 @ 장군은 # 조선 #의 무신)이다."
    assert spans.clear(made["plain"]) == SENTENCE
    assert within(made["typed"]) == {0: "@ * 사람 * 이순신 @", 1: "# ^ 단체 ^ 조선 #"}
    assert within(made["plain"]) == {0: "이순신", 1: "조선"}
    assert (made["types"], made["subject_kind"], made["object"]) == ("PER ORG", "사람", "조선")


@pytest.mark.parametrize(
    ("subject", "other", "marked"),
    [
        (("부산대학교", 0), ("부산", 0), "@ # 부산 #대학교 @ 총장"),  # nested, at its beginning
        (("대학교", 2), ("부산대학교", 0), "# 부산@ 대학교 @ # 총장"),  # nested, at its end
        (("부산대", 0), ("대학교", 2), "@ 부산# 대 @학교 # 총장"),  # overlapping
        (("부산", 0), ("대학교", 2), "@ 부산 @# 대학교 # 총장"),  # touching
        (("부산대학교", 0), ("부산대학교", 0), "@ # 부산대학교 # @ 총장"),  # the same
    ],
)
def test_entities_in_each_other_are_both_marked(
    subject: tuple[str, int], other: tuple[str, int], marked: str
) -> None:
    pair = [entity(word, "ORG", start) for word, start in (subject, other)]
    made = texts("부산대학교 총장", *pair)
    assert spans.clear(made["marked"]) == marked
    assert within(made["plain"]) == {0: subject[0], 1: other[0]}


def test_a_place_that_is_off_is_mended_and_marks_of_the_text_are_harmless() -> None:
    made = texts("조선 밖의 조선" + spans.mark(1, "!"), entity("조선", "LOC", 5), entity("밖", "LOC", 3))
    assert within(made["plain"]) == {0: "조선", 1: "밖"}
    assert spans.clear(made["plain"]) == "조선 밖의 조선!"
    assert spans.take_out(made["plain"])[1][-1][1:] == (6, 8)  # the nearer one


BAD = [
    ("sentence", None, "is empty"),
    ("sentence", "  ", "is empty"),
    ("subject_entity", None, "holds no entity"),
    ("subject_entity", "{'word': '이순신'", "holds no entity"),
    ("subject_entity", "__import__('os')", "holds no entity"),
    ("object_entity", "{'word': '조선'}", "holds no entity"),
    ("object_entity", entity("고려", "ORG", 9), "'고려' does not stand in the sentence"),
    ("object_entity", entity("", "ORG", 9), "without a word"),
]


@pytest.mark.parametrize(("column", "value", "message"), BAD)
def test_a_malformed_row_is_named(column: str, value: object, message: str) -> None:
    table = rows(SENTENCE, entity("이순신", "PER", 1), entity("조선", "ORG", 9))
    table.loc[0, column] = value
    with pytest.raises(DataError) as caught:
        klue_re.derive(table, strict=True)
    assert "row 1 (id r1)" in caught.value.what and message in caught.value.what
    # Aboard, one such row must not cost all others their predictions.
    made = klue_re.derive(table, strict=False)
    assert made["types"].tolist() == [" "] and not spans.has_any(made["typed"].iloc[0])


def test_the_file_of_a_malformed_row_is_named(tmp_path: Path) -> None:
    KLUE.write_sample(tmp_path)
    table = pd.read_csv(tmp_path / "train.csv", dtype=str)
    table.loc[7, "subject_entity"] = "nothing"
    table.to_csv(tmp_path / "train.csv", index=False)
    with pytest.raises(DataError, match=r"train\.csv: row 8 \(id klue-re-train-00007\)"):
        KLUE.read_train(tmp_path)


def test_subject_and_object_change_places(tmp_path: Path) -> None:
    KLUE.write_sample(tmp_path)
    table = KLUE.read_train(tmp_path)
    made = further.swap_entities(table, np.random.default_rng(0))
    assert list(made.columns) == list(table.columns) and 0 < len(made) < len(table)
    source = table.set_index("id").loc[made["id"].str.partition("#")[0]]
    assert (made["subject"].to_numpy() == source["object"].to_numpy()).all()
    assert (made["object_type"].to_numpy() == source["subject_type"].to_numpy()).all()
    names = list(KLUE.task.targets)
    was, now = (frame[names].to_numpy().argmax(axis=1) for frame in (source, made))
    assert {
        names[one]: names[other] for one, other in zip(was, now, strict=True)
    }.items() <= further.INVERSE.items()
    assert set(further.INVERSE) <= set(names) and set(further.INVERSE.values()) <= set(names)


def test_an_entity_is_hidden_behind_its_type(tmp_path: Path) -> None:
    KLUE.write_sample(tmp_path)
    table = KLUE.read_train(tmp_path)
    made = further.mask_entities(table, np.random.default_rng(0))
    assert 0.2 < len(made) / len(table) < 0.4
    hidden = made["subject"].isin(klue_re.KINDS.values()) | made["object"].isin(klue_re.KINDS.values())
    assert hidden.all()
    source = table.set_index("id").loc[made["id"].str.partition("#")[0]]
    assert (made["types"].to_numpy() == source["types"].to_numpy()).all()
    assert (made[list(KLUE.task.targets)].to_numpy() == source[list(KLUE.task.targets)].to_numpy()).all()


@pytest.mark.real_data
def test_real_rows(real_data: Path) -> None:
    table = KLUE.read_train(real_data / "klue_re")
    assert len(table) == 2596
    for place, name in ((0, "subject"), (1, "object")):
        assert [within(text)[place] for text in table["plain"]] == list(table[name])
    groups = KLUE.groups(table)
    same = pd.DataFrame({"text": table["sentence"].str.split().str.join(" "), "group": groups})
    assert (same.groupby("text")["group"].nunique() == 1).all() and groups.nunique() < len(table)
    assert (table[list(KLUE.task.targets)].sum(axis=1) == 1).all()
    listed = json.loads((real_data / "klue_re" / "relation_list.json").read_text())["relations"]
    assert list(KLUE.task.targets) == listed
    found, template = KLUE.task.read_test(real_data / "klue_re")
    assert len(found.ids) == 651 and template.columns == ("id", "pred_label", "probs")
    assert len(further.swap_entities(table, np.random.default_rng(0))) > 1000


def test_contradictions_are_found(tmp_path: Path) -> None:
    KLUE.write_sample(tmp_path)
    table = pd.read_csv(tmp_path / "train.csv", dtype=str)
    again = table.iloc[[3]].assign(id="again", label="per:parents")
    pd.concat([table, again, table.iloc[[4]].assign(id="twice")]).to_csv(tmp_path / "train.csv", index=False)
    before = KLUE.contradictions(KLUE.read_train(tmp_path))
    assert ["klue-re-train-00003", "again"] in before
    assert not any("twice" in ids for ids in before)
