from __future__ import annotations

import threading
from pathlib import Path

import pytest
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from foldship.mishaps import details, hooks


@pytest.fixture(autouse=True)
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(details.FOLDER, str(tmp_path / "errors"))
    monkeypatch.setattr(threading, "excepthook", hooks.thread_failed)


def test_a_writer_that_fails_is_said_by_the_main_thread_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    writer = EventFileWriter(str(tmp_path))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer._async_writer._worker._record_writer, "write", full)
    writer._async_writer.write(b"event")
    writer._async_writer._worker.join(10)
    with pytest.raises(OSError, match="No space left"):
        writer.flush()
    assert capsys.readouterr().err == ""


def test_other_threads_are_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    assert "ZeroDivisionError" in capsys.readouterr().err
