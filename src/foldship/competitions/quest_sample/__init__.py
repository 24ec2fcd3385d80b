"""A small data set with the files, columns and levels of Google QUEST, generated so that it can be learnt.

Every sentence is put together from this package's own word lists. Targets follow from traits that show in the
text, so a small model gets clearly positive rank correlations after a minute or two of training.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from foldship.competitions.dice import Dice
from foldship.competitions.quest_sample import words
from foldship.competitions.quest_sample.rating import rate
from foldship.competitions.quest_sample.writing import (
    Answer,
    Question,
    terms,
    write_answer,
    write_question,
)
from foldship_kernel.atomic import write_csv
from foldship_kernel.tasks import Task

FILES = ("train.csv", "test.csv", "sample_submission.csv")
_SEED = 1894
# Questions of each kind, for training and for the test; spelling is rare, yet there is one for each fold.
_KINDS = {
    "instructions": (40, 19),
    "procedure": (22, 11),
    "reason": (36, 17),
    "choice": (20, 9),
    "compare": (14, 6),
    "definition": (13, 6),
    "entity": (14, 6),
    "consequence": (12, 5),
    "opinion": (19, 8),
    "statement": (8, 2),
    "spelling": (5, 1),
}
_STYLES = {"instructions": "steps", "procedure": "stages", "reason": "reasons", "consequence": "reasons"}
# Kinds that tend to come with small talk, with a second question, with the wish for a short answer.
_SOCIABLE = ("opinion", "statement", "consequence")
_MANIFOLD = ("procedure", "choice", "opinion")
_BRIEF = ("choice", "compare", "definition", "entity", "opinion", "spelling")
_ANSWERS = (1, 1, 1, 1, 1, 2, 2, 2, 2, 4)  # how many answers a question of the training set has
_METADATA = (
    "question_title",
    "question_body",
    "question_user_name",
    "question_user_page",
    "answer",
    "answer_user_name",
    "answer_user_page",
    "url",
    "category",
    "host",
)


def write(folder: Path, task: Task) -> None:
    """Write train.csv, test.csv and sample_submission.csv into a folder, the same bytes every time."""
    dice = Dice(_SEED)
    train = _rows([kind for kind, (count, _) in _KINDS.items() for _ in range(count)], _ANSWERS, task, dice)
    test = _rows([kind for kind, (_, count) in _KINDS.items() for _ in range(count)], (1,), task, dice)
    # As in the competition's files, ids rise, have gaps, and those of the test lie between those of training.
    order = dice.shuffled(["train"] * len(train) + ["test"] * len(test))
    ids: dict[str, list[int]] = {"train": [], "test": []}
    last = 0
    for part in order:
        last += 1 + dice.below(3)
        ids[part].append(last)
    train.insert(0, task.id, ids["train"])
    test.insert(0, task.id, ids["test"])
    template = pd.DataFrame({task.id: test[task.id]})
    for name in task.targets:
        template[name] = [round((row + 1) / (len(test) + 1), 5) for row in range(len(test))]
    for name, table in zip(FILES, (train, test[[task.id, *_METADATA]], template), strict=True):
        write_csv(folder / name, table)


def _rows(kinds: list[str], answers: tuple[int, ...], task: Task, dice: Dice) -> pd.DataFrame:
    """Question-answer pairs in random order: metadata columns, then targets."""
    records = [record for kind in kinds for record in _pairs(kind, dice.pick(answers), task, dice)]
    return pd.DataFrame(dice.shuffled(records), columns=[*_METADATA, *task.targets])


def _pairs(kind: str, count: int, task: Task, dice: Dice) -> list[list[str | float]]:
    site = dice.pick(words.SITES)
    question = Question(
        kind=kind,
        site=site,
        terms=terms(site, dice),
        quality=dice.number(),
        interest=dice.number(),
        chat=dice.chance(0.6 if kind in _SOCIABLE else 0.1),
        second=dice.chance(0.6 if kind in _MANIFOLD else 0.15),
        short=dice.chance(0.85 if kind in _BRIEF else 0.15),
    )
    title, body = write_question(question, dice)
    number = 1000 + dice.below(9000)
    url = f"https://{site.host}/questions/{number}/{question.terms['slug']}"
    asker = _user(site.host, dice)
    records: list[list[str | float]] = []
    for _ in range(count):
        answer = _answer(kind, dice)
        subject = question.terms if answer.relevant else terms(dice.pick(words.SITES), dice)
        text = write_answer(answer, subject, dice)
        metadata = [title, body, *asker, text, *_user(site.host, dice), url, site.category, site.host]
        records.append([*metadata, *rate(question, answer, task.targets, dice)])
    return records


def _answer(kind: str, dice: Dice) -> Answer:
    fitting = _STYLES.get(kind, "facts")
    quality = dice.number()
    return Answer(
        style=fitting if dice.chance(0.7) else dice.pick(("steps", "reasons", "stages", "facts")),
        quality=quality,
        detail=0.5 * quality + 0.5 * dice.number(),
        relevant=dice.chance(0.4 + 0.6 * quality),
    )


def _user(host: str, dice: Dice) -> tuple[str, str]:
    return dice.pick(words.USERS), f"https://{host}/users/{10 + dice.below(9990)}"
