"""A small data set with the files and columns of a Korean sentence-similarity competition.

Each sentence says who does what where, put together from the lists below; two of them are the more alike the
more of that they share. So a small model learns it in minutes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from foldship.competitions.dice import Dice
from foldship_kernel.atomic import write_csv
from foldship_kernel.tasks import Task

_SEED = 1446
_TRAIN, _TEST = 480, 120
# Different words for the same.
_WHO = (
    ("한 남자가", "한 남성이"),
    ("한 여자가", "한 여성이"),
    ("아이가", "어린이가"),
    ("선생님이", "교사가"),
    ("요리사가", "주방장이"),
    ("할머니가", "노부인이"),
    ("군인이", "병사가"),
    ("개 한 마리가", "강아지가"),
)
_WHERE = (
    ("공원에서", "공원 안에서"),
    ("부엌에서", "주방에서"),
    ("바닷가에서", "해변에서"),
    ("거리에서", "길에서"),
    ("교실에서", "학교에서"),
    ("", ""),
)
_WHAT = (
    ("기타를 치고 있다.", "기타를 연주하고 있다."),
    ("빵을 먹고 있다.", "빵을 들고 먹는 중이다."),
    ("양파를 썰고 있다.", "양파를 자르고 있다."),
    ("책을 읽고 있다.", "책을 보고 있다."),
    ("공을 차고 있다.", "공을 발로 차는 중이다."),
    ("춤을 추고 있다.", "춤추는 중이다."),
    ("빠르게 달리고 있다.", "달려가고 있다."),
    ("사진을 찍고 있다.", "사진을 촬영하고 있다."),
    ("잠을 자고 있다.", "자는 중이다."),
    ("말을 타고 있다.", "말 위에 앉아 있다."),
)
_SOURCES = ("main-captions", "main-forum")
# What each part that is the same adds to a similarity from 0 to 5.
_WEIGHTS = {"what": 2.6, "who": 1.7, "where": 0.7}


@dataclass(frozen=True)
class _Scene:
    who: int
    where: int
    what: int


def write(folder: Path, task: Task) -> None:
    """Write train.csv, test.csv and sample_submission.csv into a folder, the same bytes every time."""
    dice = Dice(_SEED)
    train, test = (
        pd.DataFrame([_pair(f"sts-{part}-{number:04}", dice) for number in range(count)])
        for part, count in (("train", _TRAIN), ("test", _TEST))
    )
    write_csv(folder / "train.csv", train)
    write_csv(folder / "test.csv", test.drop(columns="label"))
    template = pd.DataFrame({task.id: test[task.id], **dict.fromkeys(task.submission, 0.0)})
    write_csv(folder / "sample_submission.csv", template)


def _pair(name: str, dice: Dice) -> dict[str, object]:
    first = _Scene(*(dice.below(len(options)) for options in (_WHO, _WHERE, _WHAT)))
    second = first
    for part, options in (("who", _WHO), ("where", _WHERE), ("what", _WHAT)):
        if dice.chance(0.45):
            second = replace(second, **{part: dice.below(len(options))})
    alike = sum(weight for part, weight in _WEIGHTS.items() if getattr(first, part) == getattr(second, part))
    score = min(max(alike + 0.8 * (dice.number() - 0.5), 0.0), 5.0)
    return {
        "id": name,
        "source": dice.pick(_SOURCES),
        "sentence_1": _sentence(first, dice),
        "sentence_2": _sentence(second, dice),
        "label": round(score, 1),
    }


def _sentence(scene: _Scene, dice: Dice) -> str:
    parts = (dice.pick(_WHO[scene.who]), dice.pick(_WHERE[scene.where]), dice.pick(_WHAT[scene.what]))
    return " ".join(part for part in parts if part)
