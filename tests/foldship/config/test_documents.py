from __future__ import annotations

import pytest
from pydantic import ValidationError

from foldship.config.documents import NCBI, Cutting, Documents


def test_the_defaults_keep_to_what_ncbi_allows() -> None:
    settings = Documents()
    assert settings.limits.per_second < 3
    assert (settings.eutils, settings.pubmed, settings.contact) == (NCBI, "api", None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"limits": {"concurrent": 0}},
        {"limits": {"per_second": 0}},
        {"hosts": {"a.example": {"per_second": -1}}},
        {"contact": "me@example.org\r\nX-Evil: 1"},
        {"contact": "me) (or not"},
        {"contact": ""},
        {"eutils": "eutils.example"},
        {"patience": {"attempts": 0}},
        {"megabytes": 0},
        {"batch": 501},
        {"agent": "Mozilla/5.0"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Documents.model_validate(wrong)


def test_passages_must_move_on() -> None:
    with pytest.raises(ValidationError, match="overlap 3 is not below sentences 3; lower overlap"):
        Cutting(sentences=3, overlap=3)
