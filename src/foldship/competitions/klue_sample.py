"""A small data set with the files and columns of KLUE relation extraction.

Each sentence says one thing of two of the names below, in one of the ways that are listed for its relation;
some rows ask about two names of which the sentence says nothing. So a small model learns it in minutes.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from foldship.competitions.dice import Dice
from foldship_kernel.atomic import write_csv
from foldship_kernel.tasks import Task

_SEED = 1397
_TRAIN, _TEST = 420, 90
_NAMES = {
    "PER": (
        "한가람",
        "윤도현",
        "서지우",
        "강하늘빛",
        "민서연",
        "오세진",
        "문하람",
        "백도윤",
        "임새롬",
        "노아름",
    ),
    "ORG": (
        "푸른은행",
        "하늘전자",
        "새별대학교",
        "나래출판사",
        "바다병원",
        "온누리연구소",
        "솔빛극단",
        "한들당",
    ),
    "LOC": ("가온시", "다온군", "라온동", "마루섬", "바람골", "사비읍"),
    "DAT": ("1951년", "1978년 3월", "1993년 봄", "2004년 9월 7일", "2011년", "2019년 겨울"),
    "POH": ("배우", "소설가", "변호사", "작곡가", "교수", "화가"),
}
# Types of subject and object, and sentences, of which one of the two may be left out by `no_relation`.
_RELATIONS = {
    "per:employee_of": ("PER", "ORG", ("{s}은 {o}에서 일하고 있다.", "{o} 직원 {s}이 상을 받았다.")),
    "org:top_members/employees": ("ORG", "PER", ("{s} 대표 {o}가 발표했다.", "{o}는 {s}의 원장이다.")),
    "org:place_of_headquarters": (
        "ORG",
        "LOC",
        ("{s}은 {o}에 본사를 두고 있다.", "{o}의 {s}이 문을 열었다."),
    ),
    "per:place_of_birth": ("PER", "LOC", ("{s}은 {o}에서 태어났다.", "{o} 출신인 {s}이 돌아왔다.")),
    "per:date_of_birth": ("PER", "DAT", ("{s}은 {o}에 태어났다.", "{s}({o} ~ )은 유명하다.")),
    "per:title": ("PER", "POH", ("{o} {s}이 무대에 올랐다.", "{s}은 이름난 {o}이다.")),
    "per:spouse": ("PER", "PER", ("{s}은 {o}와 결혼했다.", "{s}의 아내 {o}가 함께 왔다.")),
    "org:founded": ("ORG", "DAT", ("{s}은 {o}에 세워졌다.", "{o} 문을 연 {s}이 자리를 옮겼다.")),
    "org:member_of": ("ORG", "ORG", ("{s}은 {o} 산하에 있다.", "{o}에 속한 {s}이 참가했다.")),
}
_NONE = "no_relation"
_APART = (
    "{s} 소식과 {o} 소식은 서로 다르다.",
    "{s}에 대한 글 다음에 {o}에 대한 글이 실렸다.",
    "사람들은 {o}보다 {s}를 더 자주 찾는다.",
)
_AROUND = ("", "오늘 신문에 따르면 ", "지난주에 ", "알려진 바와 같이 ")
_SOURCES = ("wikipedia", "wikitree", "policy_briefing")


def write(folder: Path, task: Task) -> None:
    """Write train.csv, test.csv and sample_submission.csv into a folder, the same bytes every time."""
    dice = Dice(_SEED)
    train, test = (
        pd.DataFrame([_row(f"klue-re-{part}-{number:05}", dice) for number in range(count)])
        for part, count in (("train", _TRAIN), ("test", _TEST))
    )
    write_csv(folder / "train.csv", train)
    write_csv(folder / "test.csv", test.assign(label=100))
    equal = f"[{', '.join([f'{1 / len(task.targets):.4f}'] * len(task.targets))}]"
    template = pd.DataFrame({task.id: test[task.id], "pred_label": task.targets[0], "probs": equal})
    write_csv(folder / "sample_submission.csv", template)


def _row(name: str, dice: Dice) -> dict[str, object]:
    relation = dice.pick(list(_RELATIONS))
    kinds, said = _RELATIONS[relation][:2], dice.chance(0.7)
    subject = dice.pick(_NAMES[kinds[0]])
    other = dice.pick([word for word in _NAMES[kinds[1]] if word != subject])
    sentence = dice.pick(_AROUND) + dice.pick(_RELATIONS[relation][2] if said else _APART)
    words = {"s": subject, "o": other}
    # Filled from the left, so that the place of each is known.
    places: dict[str, int] = {}
    for key in sorted(words, key=lambda key: sentence.index(f"{{{key}}}")):
        places[key] = sentence.index(f"{{{key}}}")
        sentence = sentence.replace(f"{{{key}}}", words[key], 1)
    entities = [
        repr(
            {
                "word": words[key],
                "start_idx": places[key],
                "end_idx": places[key] + len(words[key]) - 1,
                "type": kind,
            }
        )
        for key, kind in zip("so", kinds, strict=True)
    ]
    return {
        "id": name,
        "sentence": sentence,
        "subject_entity": entities[0],
        "object_entity": entities[1],
        "label": relation if said else _NONE,
        "source": dice.pick(_SOURCES),
    }
