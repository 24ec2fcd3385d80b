"""Layouts of real competitions, with rows made here: what `foldship new` declares, and that it fits."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from foldship import competitions
from foldship.cli.new import command

ROWS, WANTED = 120, 6
WORDS = ["river", "stone", "paper", "light", "music", "garden", "number", "winter", "bridge", "letter"]
Columns = dict[str, Callable[[random.Random, int], object]]


def words(low: int, high: int) -> Callable[[random.Random, int], object]:
    return lambda chance, row: " ".join(
        [*chance.choices(WORDS, k=chance.randint(low, high) - 1), f"{chance.choice(WORDS)}{row}"]
    )


def of(*values: object) -> Callable[[random.Random, int], object]:
    """Values in turn, so that each comes as often."""
    return lambda chance, row: values[row % len(values)]


def number(chance: random.Random, row: int) -> object:
    return row


def hexadecimal(chance: random.Random, row: int) -> object:
    return f"{chance.getrandbits(40):010x}x"


def measured(low: float, high: float) -> Callable[[random.Random, int], object]:
    return lambda chance, row: round(low + (high - low) * ((row * 37) % ROWS) / (ROWS - 1), 3)


def table(columns: Columns, rows: int, seed: int) -> pd.DataFrame:
    chance = random.Random(seed)
    return pd.DataFrame([{name: make(chance, row) for name, make in columns.items()} for row in range(rows)])


def put(
    folder: Path, train: Columns, test: list[str], names: tuple[str, str] = ("train.csv", "test.csv")
) -> None:
    """Write training and test rows; the test's are further ones of the same kind."""
    for name, rows, chosen in zip(names, (ROWS, WANTED), (list(train), test), strict=True):
        found = table({column: train[column] for column in chosen}, rows, len(chosen))
        delimiter = "\t" if name.endswith(".tsv") else ","
        if name.endswith(".jsonl"):
            lines = [json.dumps(row) + "\n" for row in found.to_dict("records")]
            (folder / name).write_text("".join(lines), encoding="utf-8")
        else:
            found.to_csv(folder / name, index=False, sep=delimiter)


def sample(
    folder: Path, row_id: str, of_test: str = "test.csv", file: str = "sample_submission.csv", **cells: Any
) -> None:
    delimiter = "\t" if of_test.endswith(".tsv") else ","
    ids = pd.read_csv(folder / of_test, sep=delimiter, dtype=str).iloc[:, :1].set_axis([row_id], axis=1)
    ids.assign(**cells).to_csv(folder / file, index=False)


def toxic(folder: Path) -> None:
    labels = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
    columns: Columns = {"id": hexadecimal, "comment_text": words(5, 30)}
    put(folder, columns | {name: of(*[0] * place, 1, 0) for place, name in enumerate(labels)}, list(columns))
    sample(folder, "id", **dict.fromkeys(labels, 0.5))
    table({"id": hexadecimal} | dict.fromkeys(labels, of(-1)), WANTED, 1).to_csv(folder / "test_labels.csv")


def essays_by_machine(folder: Path) -> None:
    columns: Columns = {
        "id": hexadecimal,
        "prompt_id": of(0, 1),
        "text": words(20, 60),
        "generated": of(0, 0, 1),
    }
    put(folder, columns, ["id", "prompt_id", "text"], ("train_essays.csv", "test_essays.csv"))
    prompts: Columns = {"prompt_id": number, "prompt_name": words(2, 3), "instructions": words(9, 12)}
    table(prompts, 2, 0).to_csv(folder / "train_prompts.csv", index=False)
    sample(folder, "id", "test_essays.csv", generated=0.1)


def readability(folder: Path) -> None:
    columns: Columns = {
        "id": hexadecimal,
        "url_legal": of("", "", "https://example.org/a"),
        "license": of("", "", "CC BY-SA 4.0"),
        "excerpt": words(30, 60),
    }
    further: Columns = {"target": measured(-3.5, 1.5), "standard_error": measured(0.4, 0.6)}
    put(folder, columns | further, list(columns))
    sample(folder, "id", target=0.0)


def preferences(folder: Path) -> None:
    def turns(chance: random.Random, row: int) -> object:
        return json.dumps([words(4, 9)(chance, row) for _ in range(1 + row % 2)])

    columns: Columns = {"id": number, "prompt": turns, "response_a": turns, "response_b": turns}
    models: Columns = {"model_a": of("m1", "m2"), "model_b": of("m2", "m3")}
    winners: Columns = {
        "winner_model_a": of(1, 0, 0),
        "winner_model_b": of(0, 1, 0),
        "winner_tie": of(0, 0, 1),
    }
    put(folder, columns | models | winners, list(columns))
    sample(folder, "id", **dict.fromkeys(winners, 1 / 3))


def question_pairs(folder: Path) -> None:
    columns: Columns = {"question1": words(6, 12), "question2": words(6, 12)}
    ids: Columns = {"id": number, "qid1": number, "qid2": number}
    put(folder, ids | columns | {"is_duplicate": of(0, 1)}, ["question1", "question2"])
    test = pd.read_csv(folder / "test.csv")
    test.insert(0, "test_id", range(len(test)))
    test.to_csv(folder / "test.csv", index=False)
    sample(folder, "test_id", is_duplicate=0.37)


def disaster_tweets(folder: Path) -> None:
    columns: Columns = {
        "id": number,
        "keyword": of("", "ablaze", "fire%20truck"),
        "location": of("", "New York", "Paris", ""),
        "text": words(4, 20),
    }
    put(folder, columns | {"target": of(0, 1)}, list(columns))
    sample(folder, "id", target=0)


def patent_phrases(folder: Path) -> None:
    columns: Columns = {
        "id": hexadecimal,
        "anchor": lambda chance, row: f"{chance.choice(WORDS)} {chance.choice(WORDS)}{row // 3}",
        "target": words(1, 3),
        "context": of(*(f"{letter}{n:02}" for letter in "ABC" for n in range(14))),
    }
    put(folder, columns | {"score": of(0, 0.25, 0.5, 0.75, 1.0)}, list(columns))
    sample(folder, "id", score=0)


def authors(folder: Path) -> None:
    columns: Columns = {"id": lambda chance, row: f"id{row:05}", "text": words(8, 30)}
    put(folder, columns | {"author": of("EAP", "HPL", "MWS")}, list(columns))
    sample(folder, "id", EAP=0.4, HPL=0.3, MWS=0.3)


def science_exam(folder: Path) -> None:
    columns: Columns = {"id": number, "prompt": words(8, 16), **dict.fromkeys("ABCDE", words(5, 9))}
    put(folder, columns | {"answer": of(*"ABCDE")}, list(columns))
    sample(folder, "id", prediction="A B C")


def effectiveness(folder: Path) -> None:
    columns: Columns = {
        "discourse_id": hexadecimal,
        "essay_id": lambda chance, row: f"E{row // 10:04}",
        "discourse_text": words(9, 30),
        "discourse_type": of("Lead", "Position", "Claim"),
    }
    put(
        folder,
        columns | {"discourse_effectiveness": of("Adequate", "Effective", "Ineffective")},
        list(columns),
    )
    sample(folder, "discourse_id", Ineffective=0.2, Adequate=0.6, Effective=0.2)
    for part in ("train", "test"):
        (folder / part).mkdir()
        (folder / part / "E0000.txt").write_text("An essay.\n\nIt goes on.", encoding="utf-8")


def questions_and_answers(folder: Path) -> None:
    columns: Columns = {
        "qa_id": number,
        "question_title": words(4, 9),
        "question_body": words(20, 40),
        "question_user_name": words(2, 2),
        "answer": words(20, 40),
        "url": lambda chance, row: f"http://example.org/{row}",
        "category": of("LIFE_ARTS", "CULTURE"),
        "host": of("a.example.org", "b.example.org"),
    }
    targets: Columns = {"question_asker_intent": of(0, 0.5, 1), "answer_helpful": of(1 / 3, 1.0)}
    put(folder, columns | targets, list(columns))
    sample(folder, "qa_id", **dict.fromkeys(targets, 0.00308))


def sentiment_phrases(folder: Path) -> None:
    columns: Columns = {"PhraseId": number, "SentenceId": lambda chance, row: row // 4, "Phrase": words(1, 6)}
    put(folder, columns | {"Sentiment": of(0, 1, 2, 3, 4)}, list(columns), ("train.tsv", "test.tsv"))
    sample(folder, "PhraseId", "test.tsv", "sampleSubmission.csv", Sentiment=2)


def short_tweets(folder: Path) -> None:
    columns: Columns = {"textID": hexadecimal, "text": words(1, 2)}
    put(folder, columns | {"sentiment": of("neutral", "positive", "negative")}, list(columns))
    sample(folder, "textID", sentiment="neutral")


def intents(folder: Path) -> None:
    columns: Columns = {"id": number, "query": words(3, 9)}
    put(folder, columns | {"intent": lambda chance, row: f"intent_{row % 60}"}, list(columns))
    sample(folder, "id", intent="intent_0")


def intents_by_number(folder: Path) -> None:
    columns: Columns = {"id": number, "query": words(3, 9)}
    put(folder, columns | {"label": lambda chance, row: row % 60}, list(columns))
    sample(folder, "id", label=0)


def essay_scores(folder: Path) -> None:
    columns: Columns = {"essay_id": hexadecimal, "full_text": words(30, 60)}
    put(folder, columns | {"score": of(1, 2, 3, 4, 5, 6)}, list(columns))
    sample(folder, "essay_id", score=3)


def grades(folder: Path) -> None:
    columns: Columns = {"essay_id": hexadecimal, "full_text": words(30, 60)}
    put(folder, columns | {"domain1_score": of(*range(2, 30))}, list(columns))
    sample(folder, "essay_id", predicted_score=3)


def yes_or_no(folder: Path) -> None:
    columns: Columns = {"request_id": hexadecimal, "request_text": words(9, 20)}
    put(
        folder,
        columns | {"requester_received_pizza": of(True, False)},
        list(columns),
        ("train.jsonl", "test.jsonl"),
    )
    ids = [json.loads(line)["request_id"] for line in (folder / "test.jsonl").read_text().splitlines()]
    pd.DataFrame({"request_id": ids, "requester_received_pizza": 0.5}).to_csv(
        folder / "sampleSubmission.csv", index=False
    )


def news_without_ids(folder: Path) -> None:
    columns: Columns = {"Title": words(4, 9), "Description": words(9, 20)}
    put(folder, {"Class Index": of(1, 2, 3, 4)} | columns, list(columns))
    test = pd.read_csv(folder / "test.csv")
    test.insert(0, "Id", range(1, 1 + len(test)))
    test.to_csv(folder / "test.csv", index=False)
    sample(folder, "Id", **{"Class Index": 3})


EXPECTED: dict[Callable[[Path], None], dict[str, Any]] = {
    toxic: {"id": "id", "texts": ["comment_text"], "metric": "auc", "submission": None, "files": None},
    essays_by_machine: {
        "texts": ["text"],
        "files": {"train": "train_essays.csv", "test": "test_essays.csv"},
        "targets": {"columns": ["generated"], "range": [0.0, 1.0]},
        "metric": "auc",
    },
    readability: {
        "texts": ["excerpt"],
        "group": ["excerpt"],
        "targets": {"columns": ["target"], "range": [-3.5, 1.5]},
    },
    preferences: {"texts": ["prompt", "response_a", "response_b"], "metric": "log_loss"},
    question_pairs: {
        "id": {"train": "id", "test": "test_id"},
        "texts": ["question1", "question2"],
        "group_by": "linked",
        "metric": "auc",
    },
    disaster_tweets: {"texts": ["text"], "metric": "f1", "categories": ["keyword", "location"]},
    patent_phrases: {
        "texts": ["anchor", "target"],
        "targets": {"columns": ["score"], "range": [0.0, 1.0]},
        "metric": "pearson",
    },
    authors: {
        "targets": {"column": "author", "classes": ["EAP", "HPL", "MWS"]},
        "submission": {"EAP": "EAP", "HPL": "HPL", "MWS": "MWS"},
        "metric": "log_loss",
    },
    effectiveness: {
        "id": "discourse_id",
        "texts": ["discourse_text"],
        "submission": {"Ineffective": "Ineffective", "Adequate": "Adequate", "Effective": "Effective"},
        "metric": "log_loss",
    },
    questions_and_answers: {
        "id": "qa_id",
        "texts": ["question_title", "question_body", "answer"],
        "categories": ["category", "host"],
        "metric": "spearman",
    },
    sentiment_phrases: {
        "id": "PhraseId",
        "texts": ["Phrase"],
        "files": {"train": "train.tsv", "test": "test.tsv", "sample": "sampleSubmission.csv"},
        "targets": {"column": "Sentiment", "classes": ["0", "1", "2", "3", "4"]},
    },
    short_tweets: {"id": "textID", "texts": ["text"], "metric": "macro_f1"},
    intents: {"texts": ["query"], "metric": "macro_f1"},
    intents_by_number: {
        "texts": ["query"],
        "targets": {"column": "label", "classes": [str(label) for label in range(60)]},
    },
    essay_scores: {"targets": {"column": "score", "classes": ["1", "2", "3", "4", "5", "6"]}},
    grades: {
        "targets": {"columns": ["domain1_score"], "range": [2.0, 29.0]},
        "submission": {"predicted_score": "domain1_score"},
    },
    news_without_ids: {
        "id": {"train": None, "test": "Id"},
        "texts": ["Title", "Description"],
        "targets": {"column": "Class Index", "classes": ["1", "2", "3", "4"]},
    },
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "kernels").mkdir()
    monkeypatch.setenv("FOLDSHIP_ROOT", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("write", list(EXPECTED), ids=lambda write: write.__name__)
def test_a_competition_is_declared_and_its_files_fit(project: Path, write: Callable[[Path], None]) -> None:
    data = project / "data"
    data.mkdir()
    write(data)
    result = CliRunner().invoke(command, ["mine", "--from", str(data)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    declared = yaml.safe_load((project / "kernels" / "mine" / "competition.yaml").read_text(encoding="utf-8"))
    for key, value in EXPECTED[write].items():
        assert declared.get(key) == value, result.output
    competition = competitions.get(project / "kernels", "mine")
    rows = competition.read_train(data)
    assert len(rows) == ROWS and rows.columns[0] == competition.task.id
    wanted, template = competition.task.read_test(data)
    assert len(wanted.ids) == WANTED == len(template.ids)
    assert next(iter(wanted.chunks())).columns[0] == competition.task.id
