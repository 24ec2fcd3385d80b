from __future__ import annotations

from pathlib import Path

import pytest

from foldship.shipping import entry
from foldship_kernel.errors import FoldshipError


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("", "@CODE_SHA256@"),
        ('"@CODE_SHA256@" "@CODE_SHA256@" "@HAND_OVER@"', "@CODE_SHA256@"),
        ('"@CODE_SHA256@"', "@HAND_OVER@"),
    ],
)
def test_a_template_must_hold_each_placeholder_once(tmp_path: Path, text: str, missing: str) -> None:
    template = tmp_path / "template.py"
    template.write_text(text)
    with pytest.raises(FoldshipError, match=missing):
        entry.write(tmp_path, template, "abc")
    assert not (tmp_path / "main.py").exists()


def test_the_module_to_hand_over_to_is_filled_in(tmp_path: Path) -> None:
    template = tmp_path / "template.py"
    template.write_text("@CODE_SHA256@ @HAND_OVER@")
    entry.write(tmp_path, template, "abc")
    assert (tmp_path / "main.py").read_text() == "abc foldship_kernel.supervise"
    entry.write(tmp_path, template, "abc", hand_over="other")
    assert (tmp_path / "main.py").read_text() == "abc other"
