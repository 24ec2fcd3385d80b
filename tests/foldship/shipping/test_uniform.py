from __future__ import annotations

from pathlib import Path

from foldship.shipping import uniform


def test_modes_and_times_are_fixed(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("x")
    (tmp_path / "a" / "b").chmod(0o700)
    (tmp_path / "a" / "b" / "file").chmod(0o600)
    uniform.make(tmp_path / "a")
    for path in (tmp_path / "a", *(tmp_path / "a").rglob("*")):
        state = path.stat()
        assert state.st_mtime_ns == uniform.TIME_S * 10**9
        assert state.st_mode & 0o777 == (0o755 if path.is_dir() else 0o644)
