from __future__ import annotations

from pathlib import Path

import pytest

from foldship.shipping import entry
from foldship_kernel.errors import FoldshipError


@pytest.mark.parametrize("text", ["", '"@CODE_SHA256@" "@CODE_SHA256@"'])
def test_a_template_must_hold_the_placeholder_once(tmp_path: Path, text: str) -> None:
    template = tmp_path / "template.py"
    template.write_text(text)
    with pytest.raises(FoldshipError, match="@CODE_SHA256@"):
        entry.write(tmp_path, template, "abc")
    assert not (tmp_path / "main.py").exists()
