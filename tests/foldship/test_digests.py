from __future__ import annotations

import runpy
from pathlib import Path

from foldship.digests import bound_to, code_digest


def test_the_digest_is_the_entry_scripts_own(root: Path, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "b.py").write_text("two\n")
    (tmp_path / "package" / "a.py").write_text("one\n")
    (tmp_path / "package" / "notes.txt").write_text("of no account")
    entry = runpy.run_path(str(root / "kernels" / "main.py"))
    assert code_digest(tmp_path) == entry["digest"](tmp_path)
    (tmp_path / "package" / "a.py").rename(tmp_path / "package" / "c.py")
    assert code_digest(tmp_path) == entry["digest"](tmp_path)


def test_a_script_names_the_code_that_it_looks_for(root: Path) -> None:
    template = (root / "kernels" / "main.py").read_text(encoding="utf-8")
    assert bound_to(template) is None
    assert bound_to(template.replace("@CODE_SHA256@", "ab" * 32)) == "ab" * 32
