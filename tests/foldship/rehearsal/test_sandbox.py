"""Kernels of every kind, really shut in."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from foldship.rehearsal import mechanisms
from foldship.rehearsal.room import Bind, Room
from foldship_kernel.errors import FoldshipError

pytestmark = [pytest.mark.sandbox, pytest.mark.usefixtures("need_sandbox")]


def failed(verdict) -> set[str]:
    return {finding.name for finding in verdict.failed}


def test_a_good_kernel_passes_every_check(stage):
    verdict = stage.play()
    assert failed(verdict) == set()
    written = stage.verdict()
    assert written["passed"] is True
    assert written["phases"] == {"predict": 1.5}
    assert written["kernel"]["status"] == "complete"
    verified = written["isolation"]["verified_from_inside"]
    assert verified["network"] == "unreachable"
    assert str(stage.dataset) in verified["hidden"]
    assert "/kaggle/src" in verified["read_only"]
    assert verified["working_gib"] == pytest.approx(0.01, abs=0.001)
    assert "environment" not in verified and "HOME" in written["isolation"]["environment"]
    assert 0 < written["peak_memory_gib"] < 0.5
    assert 0 < written["seconds"] < 30
    first_line = (stage.out / "submission.csv").read_text().splitlines()[1]
    assert first_line.startswith("007,0.01,")
    assert {path.name for path in stage.out.iterdir()} == {"submission.csv", "kernel.log", "verdict.json"}


@pytest.mark.parametrize("name", [mechanism.name for mechanism in mechanisms.ISOLATING])
def test_each_mechanism_that_works_here_isolates_alike(
    stage, name, need_mechanism: Callable[[str], None], tmp_path
):
    need_mechanism(name)
    secret = tmp_path / "secret.txt"
    secret.write_text("not to be seen")
    code = f"""
import socket
def attempt(name, action):
    try:
        action()
        print(name, "POSSIBLE")
    except OSError as error:
        print(name, "impossible")
attempt("secret", lambda: open({str(secret)!r}).read())
attempt("connect", lambda: socket.create_connection(("1.1.1.1", 443), 2))
attempt("resolve", lambda: socket.getaddrinfo("pypi.org", 443))
sample = next(root.rglob("sample_submission.csv"))
attempt("change", lambda: sample.write_text("changed"))
attempt("remove", lambda: sample.unlink())
attempt("add", lambda: (root / "new").write_text("new"))
attempt("code", lambda: pathlib.Path("/kaggle/src/main.py").write_text(""))
attempt("fill", lambda: (working / "big").write_bytes(bytes(32 << 20)))
import subprocess
remount = ["mount", "-o", "remount,rw", str(sample.parent)]
print("remount", subprocess.run(remount, capture_output=True).returncode)
print("user", os.getuid(), "home", os.environ["HOME"], "in", os.getcwd())
(working / "big").unlink()
"""
    verdict = stage.play(code, isolation=name)
    log = stage.log()
    assert "POSSIBLE" not in log
    assert log.count("impossible") == 8
    assert "remount 0" not in log
    assert "user 0 home /root in /kaggle/working" in log
    assert verdict.isolation["mechanism"] == name
    assert failed(verdict) == {"no network"}
    assert (stage.input / "sample_submission.csv").read_text().startswith("qa_id")


def test_the_environment_is_kaggles_and_nothing_of_ours(stage, monkeypatch):
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    stage.play("print(json.dumps(dict(os.environ)))", limit_s=21)
    environment = json.loads(stage.log())
    assert environment["KAGGLE_KERNEL_RUN_TYPE"] == "Batch"
    assert environment["FOLDSHIP_LIMIT_S"] == "21"
    assert environment["HOME"] == "/root"
    assert not {"KAGGLE_KEY", "HTTPS_PROXY", "FOLDSHIP_INPUT", "VIRTUAL_ENV", "USER"} & set(environment)


def test_a_slower_machine_has_fewer_processors(stage):
    verdict = stage.play("print(len(os.sched_getaffinity(0)))", cpus=1)
    assert stage.log() == "1\n"
    assert stage.verdict()["limits"]["cpus"] == 1
    assert verdict.limits["cpus_held_by"].startswith("affinity to processor")


def test_home_temporary_and_shared_memory_can_be_written_to(stage):
    stage.play(
        """
import multiprocessing, tempfile
for folder in ("/root", "/tmp", "/dev/shm", "/kaggle/working"):
    tempfile.NamedTemporaryFile(dir=folder).write(b"x")
multiprocessing.Lock()
print("written")
"""
    )
    assert stage.log() == "written\n"


def test_the_image_has_no_package_of_ours(stage):
    stage.play(
        """
import importlib.util
names = ("foldship", "foldship_kernel", "torch", "onnxruntime")
print([name for name in names if importlib.util.find_spec(name)])
"""
    )
    assert stage.log() == "[]\n"


def test_asking_for_the_network_is_noticed_even_when_the_kernel_shrugs_it_off(stage):
    verdict = stage.play(
        """
import socket
try:
    socket.getaddrinfo("huggingface.co", 443)
except OSError:
    pass
"""
    )
    assert failed(verdict) == {"no network"}


def test_the_loopback_works_and_is_no_network(stage):
    verdict = stage.play(
        """
import socket
server = socket.create_server(("127.0.0.1", 0))
socket.create_connection(server.getsockname(), 5)
print("connected")
"""
    )
    assert stage.log() == "connected\n"
    assert verdict.passed


def test_a_kernel_that_fails(stage):
    verdict = stage.play("raise SystemExit(3)")
    assert failed(verdict) == {"exit status"}
    assert stage.verdict()["checks"]["exit status"]["seen"] == "3"


def test_a_kernel_past_its_limit_is_stopped_with_all_it_started(stage):
    verdict = stage.play(
        """
import subprocess, time
subprocess.Popen(["sleep", "98765"], start_new_session=True)
print("waiting", flush=True)
time.sleep(60)
""",
        limit_s=2.0,
    )
    assert failed(verdict) == {"exit status", "time limit"}
    assert verdict.seconds == pytest.approx(2.0, abs=1.5)
    assert stage.log() == "waiting\n"
    assert (stage.out / "submission.csv").exists()
    assert not running("98765")


def test_a_kernel_that_eats_memory(stage):
    verdict = stage.play(
        """
hoard = []
while True:
    hoard.append(bytearray(b"x") * (8 << 20))
""",
        memory_gib=0.2,
    )
    assert failed(verdict) == {"exit status", "memory limit"}
    assert verdict.peak_memory_gib >= 0.2


def test_memory_is_held_without_control_groups_too(stage, monkeypatch, tmp_path):
    monkeypatch.setattr("foldship.rehearsal.groups.CGROUPS", tmp_path / "none")
    verdict = stage.play(
        """
import time
hoard = []
while True:
    hoard.append(bytearray(b"x") * (8 << 20))
    time.sleep(0.02)
""",
        memory_gib=0.2,
    )
    assert failed(verdict) == {"exit status", "memory limit"}
    assert verdict.limits["memory_held_by"].startswith("polling")


def test_a_kernel_that_fills_the_working_folder(stage):
    verdict = stage.play(
        """
try:
    with (working / "big").open("wb") as stream:
        while True:
            stream.write(bytes(1 << 20))
except OSError as error:
    print(error.strerror)
"""
    )
    assert failed(verdict) == {"working folder"}
    assert stage.log() == "No space left on device\n"


def test_what_is_wrong_with_a_submission_is_found(stage):
    code = """
rows[0][1] = "nan"
rows[1][2] = 1.5
for row in rows:
    row[3] = 0.25
rows.reverse()
submit()
"""
    assert failed(stage.play(code)) == {"finite", "range", "no constant column", "ids"}
    seen = {name: check["seen"] for name, check in stage.verdict()["checks"].items()}
    assert seen["ids"] == "another order"
    assert "question_asker_intent_understanding: 'nan'" in seen["finite"]
    assert "1.5 in question_body_critical" in seen["range"]


def test_no_submission_also_removes_that_of_an_earlier_run(stage):
    stage.play()
    verdict = stage.play("(working / 'submission.csv').unlink()")
    assert "submission present" in failed(verdict)
    assert not (stage.out / "submission.csv").exists()


def test_a_fallback_is_no_success(stage):
    verdict = stage.play(
        """
account["folds_used"] = []
account["folds_left_out"] = {"m fold 0": "damaged: weights.bin"}
(working / "foldship.json").write_text(json.dumps(account))
"""
    )
    assert failed(verdict) == {"models used"}


def test_a_damaged_dataset_and_internet_left_on(stage):
    (stage.dataset / "weights.bin").write_bytes(b"weighty")
    (stage.dataset / "stray").write_bytes(b"")
    (stage.kernel / "kernel-metadata.json").write_text(json.dumps({"code_file": "main.py"}))
    assert failed(stage.play()) == {"dataset whole", "internet off"}
    assert "stray: not in the manifest" in stage.verdict()["checks"]["dataset whole"]["seen"]


@pytest.mark.parametrize(
    ("layout", "dataset"),
    [
        ("current", "/kaggle/input/datasets/owner/bundle"),
        ("flat", "/kaggle/input/bundle"),
        ("nested", "/kaggle/input/datasets/owner/bundle/bundle"),
    ],
)
def test_layouts(stage, layout, dataset):
    verdict = stage.play("print(next(root.rglob('bundle.json')).parent)", layout=layout)
    assert stage.log() == f"{dataset}\n"
    assert verdict.passed


def test_without_a_sandbox_the_verdict_says_so(stage):
    verdict = stage.play("print(next(root.rglob('bundle.json')).read_text()[:1], working)", isolation="none")
    assert verdict.passed
    assert stage.verdict()["isolation"]["mechanism"] == "none: not isolated"
    assert stage.log().startswith("{ ")


def with_a_leak(room: Room, stage) -> Room:
    return replace(room, binds=(*room.binds, Bind(stage.folder, str(stage.folder))))


def with_a_boundless_working_folder(room: Room, stage) -> Room:
    return replace(room, scratches=tuple(replace(scratch, size=1 << 30) for scratch in room.scratches))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (with_a_leak, "visible, but should be hidden"),
        (with_a_boundless_working_folder, "the working folder has room for 1073741824 bytes, not"),
    ],
)
def test_a_sandbox_that_does_not_isolate_is_refused(stage, monkeypatch, need_mechanism, spoil, message):
    need_mechanism("unshare")
    launch = mechanisms.Unshare.launch

    def leaky(self, setting):
        return launch(self, replace(setting, room=spoil(setting.room, stage)))

    monkeypatch.setattr(mechanisms.Unshare, "launch", leaky)
    with pytest.raises(FoldshipError, match=message):
        stage.play(isolation="unshare")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_rehearsal_leaves_nothing_running(stage, number, tmp_path):
    mark = f"9876{int(number)}"
    script = tmp_path / "play.py"
    script.write_text(
        f"""
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path[:0] = {sys.path!r}
from rehearsal_stage import Stage
stage = Stage(*map(Path, {[str(stage.folder), str(stage.cache), str(stage.requirements)]!r}))
stage.play("import subprocess; subprocess.run(['sleep', '{mark}'])", limit_s=100)
"""
    )
    process = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.DEVNULL)
    wait_until(lambda: running(mark))
    process.send_signal(number)
    assert process.wait(30) != 0
    wait_until(lambda: not running(mark))
    if number == signal.SIGKILL:
        stage.play()  # the next rehearsal clears away what a killed one could not
    assert not list(stage.folder.glob(".rehearsal-*"))
    assert not (stage.out / "verdict.json").exists() or number == signal.SIGKILL
    assert not list(Path("/sys/fs/cgroup").rglob(f"foldship-{process.pid}-*"))


def running(argument: str) -> bool:
    for process in psutil.process_iter(["cmdline"]):
        command = process.info["cmdline"] or []
        if command[:1] == ["sleep"] and argument in command:
            return True
    return False


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen within 30 s")
