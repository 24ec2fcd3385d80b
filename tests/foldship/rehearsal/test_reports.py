"""Whatever a sandbox sends back, there is a verdict."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import tarfile
from typing import Any

import pytest

from foldship.rehearsal import execution, mechanisms, memory
from foldship.rehearsal.mechanisms.base import Launch, Setting
from foldship_kernel.errors import FoldshipError

PROBE = {
    "failures": [],
    "network": "unreachable",
    "hidden": [],
    "read_only": [],
    "working_bytes": 10 << 20,
    "memory_bytes": 512 << 20,
    "python": "3.12.0",
}
STATUS = {
    "exit_code": 0,
    "signal": None,
    "stopped": None,
    "seconds": 1.0,
    "largest_process_bytes": 1 << 20,
    "network_attempts": 0,
    "working_bytes": 1,
    "working_files": 1,
}


class Pretended:
    """Sends a report as if there were a sandbox, then does what `afterwards` says."""

    isolated = True

    def __init__(self, report: bytes, afterwards: str = "", name: str = "pretended") -> None:
        self.name, self._report, self._afterwards = name, report, afterwards
        self.guards: list[Guard] = []

    def missing(self) -> str:
        return ""

    def launch(self, setting: Setting) -> Launch:
        path = setting.scratch / "report"
        path.write_bytes(self._report)
        code = "import sys, time; sys.stdout.buffer.write(open(sys.argv[1], 'rb').read()); sys.stdout.flush()"
        self.guards.append(Guard())
        return Launch([*self.program(), "-c", f"{code}; {self._afterwards}", str(path)], self.guards[-1])

    def program(self) -> list[str]:
        return [sys.executable]


class Missing(Pretended):
    def program(self) -> list[str]:
        return ["/no/such/program"]


class TooLong(Pretended):
    def program(self) -> list[str]:
        return [sys.executable, "x" * (1 << 18)]


class Guard(memory.Unmeasured):
    closed = False

    def __init__(self) -> None:
        super().__init__("nothing")

    def close(self) -> None:
        self.closed = True


def line(value: dict[str, Any]) -> bytes:
    return json.dumps(value).encode() + b"\n"


def archive(**files: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name.replace("_", "."))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


@pytest.fixture
def play(stage, monkeypatch):
    """Rehearse with mechanisms in place of the real ones."""

    def run(*pretended: Pretended):
        monkeypatch.setattr(mechanisms, "ISOLATING", pretended)
        return stage.play()

    return run


def finding(verdict, name: str):
    return next(finding for finding in verdict.findings if finding.name == name)


def test_text_around_the_report_is_passed_over(play):
    report = b"a greeting\n[1]\n" + line(PROBE) + b"{a warning}\n" + line(STATUS)
    verdict = play(Pretended(report + archive(submission_csv=b"qa_id\n1\n")))
    assert finding(verdict, "exit status").passed
    assert finding(verdict, "submission present").passed


@pytest.mark.parametrize("report", [line(PROBE), line(PROBE) + line(STATUS)[:20], line(PROBE) + b"\xff\n"])
def test_a_report_that_ends_early(play, report):
    verdict = play(Pretended(report))
    assert "before it could report" in finding(verdict, "exit status").seen
    assert not finding(verdict, "time limit").passed


def test_output_files_that_come_in_part_are_not_judged(play):
    whole = archive(submission_csv=b"x" * 50_000)
    verdict = play(Pretended(line(PROBE) + line(STATUS) + whole[:20_000]))
    assert "could not be taken out whole" in finding(verdict, "exit status").seen
    assert not finding(verdict, "submission present").passed
    assert verdict.submission is None


def test_a_sandbox_that_does_not_end(play, monkeypatch):
    monkeypatch.setattr(execution, "ENDING_S", 0.1)
    verdict = play(Pretended(line(PROBE) + line(STATUS) + archive(), "time.sleep(600)"))
    assert finding(verdict, "exit status").seen == "the sandbox did not end"


def test_a_submission_that_repeats_a_column(play):
    content = b"qa_id,question_well_written,question_well_written\n1,0.5,0.5\n"
    verdict = play(Pretended(line(PROBE) + line(STATUS) + archive(submission_csv=content)))
    assert finding(verdict, "submission present").seen == "column 'question_well_written' is there 2 times"


@pytest.mark.parametrize("phases", [[1, 2], "quick", {"predict": 1.5, "write": "soon"}])
def test_phases_that_are_no_numbers(play, phases):
    account = json.dumps({"phases": phases, "folds_used": [], "folds_left_out": {}}).encode()
    verdict = play(Pretended(line(PROBE) + line(STATUS) + archive(foldship_json=account)))
    assert verdict.phases == ({"predict": 1.5} if isinstance(phases, dict) else {})


def test_what_cannot_be_started_is_passed_over_and_named(play, stage):
    missing, long = Missing(b"", name="missing"), TooLong(b"", name="long")
    verdict = play(missing, long, Pretended(line(PROBE) + line(STATUS) + archive()))
    refused = verdict.isolation["not_used"]
    assert "/no/such/program" in refused["missing"]
    assert "rgument list too long" in refused["long"]
    assert verdict.isolation["mechanism"] == "pretended"
    assert all(guard.closed for guard in (*missing.guards, *long.guards))


def test_nothing_that_can_be_started(play):
    with pytest.raises(FoldshipError, match="no sandbox to rehearse in") as error:
        play(Missing(b"", name="missing"))
    assert "missing: it cannot be started" in error.value.found


def test_an_earlier_verdict_is_gone_before_the_run(play, stage):
    stage.out.mkdir()
    old = stage.out / "verdict.json"
    old.write_text("{}")
    code = f"import pathlib; print('old verdict:', pathlib.Path({str(old)!r}).exists(), file=sys.stderr)"
    play(Pretended(line(PROBE) + line(STATUS) + archive(), code))
    assert stage.log() == "old verdict: False\n"
    assert stage.verdict()["passed"] is False


def test_the_verdict_claims_as_verified_only_what_was_seen_inside(play):
    claimed = play(Pretended(line(PROBE) + line(STATUS) + archive())).isolation["verified_from_inside"]
    assert set(claimed) == {"network", "read_only", "hidden", "working_gib", "memory_gib"}
    assert claimed["memory_gib"] == 0.5
    unseen = {**PROBE, "memory_bytes": None}
    claimed = play(Pretended(line(unseen) + line(STATUS) + archive())).isolation["verified_from_inside"]
    assert claimed["memory_gib"] == "not to be seen"


def test_the_verdict_names_the_bundle_that_was_rehearsed(play, stage):
    play(Pretended(line(PROBE) + line(STATUS) + archive(submission_csv=b"qa_id\n1\n")))
    assert stage.verdict()["bundle"] == {
        "sha256": hashlib.sha256((stage.dataset / "bundle.json").read_bytes()).hexdigest(),
        "kernel_sha256": hashlib.sha256((stage.kernel / "main.py").read_bytes()).hexdigest(),
    }
    (stage.dataset / "bundle.json").unlink()
    play(Pretended(line(PROBE)))
    assert stage.verdict()["bundle"]["sha256"] is None
