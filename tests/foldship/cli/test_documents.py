from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import project
import pytest
import yaml
from click.testing import CliRunner
from declared import KERNELS
from efetch import PATH, Efetch
from web_site import NOT_THERE, Reply, Site, page

from foldship.cli import documents, retrieving
from foldship.cli.context import open_context
from foldship_kernel.errors import FoldshipError
from foldship_kernel.retrieval.index import Index


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as made:
        made.replies = {PATH: Efetch(missing=("2",)), "/page": [page("page")], "/robots.txt": [NOT_THERE]}
        yield made


@pytest.fixture
def root(tmp_path: Path, tiny_backbone: Path, site: Site) -> Path:
    """A project whose questions name documents on the site, and whose index has no vectors."""
    made = project.create(tmp_path / "project", tiny_backbone)
    declared = yaml.safe_load((KERNELS / "bioasq" / "competition.yaml").read_text())
    fetching = {"eutils": site.url("/eutils"), "patience": {"attempts": 1}, "limits": {"per_second": 1000}}
    declared["retrieval"] |= {"dense": 0, "fetching": fetching}
    experiment = yaml.safe_load((KERNELS / "bioasq" / "experiment.yaml").read_text())
    project.declare(made, "bioasq", competition=declared, experiment=experiment)
    (made / "data").mkdir()
    questions = [
        question("q1", "yes", "http://www.ncbi.nlm.nih.gov/pubmed/1", "http://www.ncbi.nlm.nih.gov/pubmed/2"),
        question("q2", "no", site.url("/page")),
    ]
    (made / "data" / "train.json").write_text(json.dumps({"questions": questions}))
    return made


def question(name: str, answer: str, *documents: str) -> dict[str, Any]:
    snippets = [{"text": f"A snippet of {name}.", "document": documents[0]}]
    return {
        "id": name,
        "type": "yesno",
        "body": f"Is it {name}?",
        "documents": list(documents),
        "snippets": snippets,
        "exact_answer": answer,
    }


def passages(root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("FOLDSHIP_ROOT", str(root))
    index = Index(retrieving.index(open_context("bioasq", root / "data", "fast")).joinpath)
    return [index.text(number) for number in range(index.count)]


def fetch(root: Path) -> tuple[int, str]:
    result = project.here(root, "documents", "--competition", "bioasq", "--data", str(root / "data"))
    return result.returncode, result.stdout + result.stderr


def test_what_is_fetched_can_be_found(root: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    assert passages(root, monkeypatch) == ["A snippet of q2.", "A snippet of q1."]
    status, said = fetch(root)
    assert status == 0 and "3 documents: 2 fetched, 1 not found" in said
    found = passages(root, monkeypatch)
    assert {"First of 1. Second of 1.", "Text of page."} < set(found)
    # Of a document that other data names, nothing is found.
    value = json.loads((root / "data" / "train.json").read_text())
    value["questions"][1]["documents"] = []
    (root / "data" / "train.json").write_text(json.dumps(value))
    assert "Text of page." not in passages(root, monkeypatch)


def test_a_host_that_fails_is_asked_again_and_no_other(root: Path, site: Site) -> None:
    site.replies["/page"] = [Reply(503), page("page")]
    status, said = fetch(root)
    assert status == 1 and "1 gave up" in said and "the same command again" in said
    asked = site.count()[PATH]
    status, said = fetch(root)
    assert status == 0 and "1 fetched, 1 from cache, 1 not found" in said
    assert site.count()[PATH] == asked


def test_a_competition_without_documents(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLDSHIP_ROOT", str(root))
    result = CliRunner().invoke(documents.command, ["--competition", "quest", "--data", str(root / "data")])
    assert isinstance(result.exception, FoldshipError)
    assert "quest names no documents" in str(result.exception)
