"""Further training rows for KLUE relation extraction, for `augmentation.rows` of a model.

Each function takes a fold's training rows and returns rows made of them, see `foldship.training.augment`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from foldship_kernel.tasks import klue_re

# What a relation becomes when subject and object change places; one that is not here has no name then.
INVERSE: Mapping[str, str] = {
    "no_relation": "no_relation",
    "org:members": "org:member_of",
    "org:member_of": "org:members",
    "org:top_members/employees": "per:employee_of",
    "per:employee_of": "org:top_members/employees",
    "per:parents": "per:children",
    "per:children": "per:parents",
    "per:spouse": "per:spouse",
    "per:siblings": "per:siblings",
    "per:colleagues": "per:colleagues",
    "per:other_family": "per:other_family",
    "per:alternate_names": "per:alternate_names",
    "org:alternate_names": "org:alternate_names",
}
MASKED = 0.3  # share of the rows of which an entity is hidden


def swap_entities(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Subject and object change places, and the relation becomes its inverse, where it has one."""
    names = [name for name in INVERSE if name in rows.columns]
    kept = rows.iloc[np.flatnonzero(rows[names].to_numpy(np.float64).any(axis=1))]
    turned = {name: np.zeros(len(kept)) for name in names}
    for name in names:
        if INVERSE[name] in turned:
            turned[INVERSE[name]] = kept[name].to_numpy(np.float64)
    first, second = klue_re.ENTITIES
    made = _named(kept, "swapped").assign(**{first: kept[second], second: kept[first]})
    made = made.assign(**turned)
    return klue_re.derive(made, strict=True)[list(rows.columns)]


def mask_entities(rows: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Some rows once more, an entity hidden behind the word for its type: names must not be learnt."""
    chosen = rows[random.random(len(rows)) < MASKED]
    side = random.integers(0, 2, len(chosen))
    records = {name: list(chosen[name]) for name in klue_re.READ}
    kept = []
    for number, hidden in enumerate(side.tolist()):
        sentence, pair = klue_re.read({name: records[name][number] for name in klue_re.READ})
        entity, other = pair[hidden], pair[1 - hidden]
        if entity.start < other.stop and other.start < entity.stop:
            continue  # one lies in the other
        word = klue_re.KINDS.get(entity.type, entity.type)
        grown = len(word) - (entity.stop - entity.start)
        start = other.start + (grown if other.start >= entity.stop else 0)
        records[klue_re.SENTENCE][number] = sentence[: entity.start] + word + sentence[entity.stop :]
        for place, text, kind, begin in (
            (hidden, word, entity.type, entity.start),
            (1 - hidden, other.word, other.type, start),
        ):
            records[klue_re.ENTITIES[place]][number] = repr(
                {"word": text, "start_idx": begin, "end_idx": begin + len(text) - 1, "type": kind}
            )
        kept.append(number)
    made = _named(chosen, "masked").assign(**records).iloc[kept]
    return klue_re.derive(made, strict=True)[list(rows.columns)]


def _named(rows: pd.DataFrame, how: str) -> pd.DataFrame:
    """The rows with ids of made-up ones; the id is the first column."""
    name = str(rows.columns[0])
    return rows.assign(**{name: rows[name].astype(str) + f"#{how}"})
