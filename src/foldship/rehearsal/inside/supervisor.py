"""Run one kernel as the first process of the sandbox, and report on it.

    python -c <this source> '<JSON of a plan>' < commands > report 2> log

First it probes the sandbox from within; without the isolation that the plan asks for, nothing is run. Then it
runs the kernel until that ends, the limit is reached, or `commands` (standard input) brings a line (stop,
and report why) or ends (whoever started this is gone: stop). The report is a line of JSON with what the
probe saw, a line of JSON with how the kernel ended, and a tar archive of the output files asked for.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import IO, Any

POLL_S = 0.02
NOT_ISOLATED = 90
# A route lookup sends no packet, so a public address is as good as any.
OUTSIDE = (("8.8.8.8", socket.AF_INET), ("2001:4860:4860::8888", socket.AF_INET6))
# What the kernel of the operating system counts when a program wants to leave a sandbox without network:
# packets without a route, and name queries that reach no server.
REFUSED = {"Ip:OutNoRoutes", "Udp:NoPorts", "Ip6OutNoRoutes", "Udp6NoPorts"}
# Where a control group shows its limit, version 2 and 1; without a limit it shows a word or an absurd number.
MEMORY_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
UNLIMITED = 1 << 60


def main() -> int:
    plan = json.loads(sys.argv[1])
    # Neither the kernel nor its children may write into the report.
    report_fd = os.dup(1)
    os.dup2(2, 1)
    with os.fdopen(report_fd, "wb") as report:
        seen = probe(plan)
        send(report, seen)
        if seen["failures"]:
            return NOT_ISOLATED
        status = run(plan)
        working = Path(plan["working"])
        status["working_bytes"], status["working_files"] = size(working)
        send(report, status)
        with tarfile.open(fileobj=report, mode="w|", dereference=True) as archive:
            for name in plan["outputs"]:
                if (working / name).is_file():
                    archive.add(working / name, name)
    return 0


def send(report: IO[bytes], value: dict[str, Any]) -> None:
    report.write(json.dumps(value).encode() + b"\n")
    report.flush()


def probe(plan: dict[str, Any]) -> dict[str, Any]:
    """Try what must not work; `failures` names what did."""
    failures = []
    reachable = [name for name, family in OUTSIDE if routed(name, family)]
    resolved = resolves("pypi.org") if plan["offline"] else False
    if plan["offline"] and (reachable or resolved):
        failures.append(f"the network is reachable: {reachable or 'names are resolved'}")
    writable = [name for name in plan["read_only"] if can_write(name)]
    if writable:
        failures.append(f"writable, but should be read-only: {writable}")
    locked = [name for name in plan["writable"] if not can_write(name)]
    if locked:
        failures.append(f"not writable: {locked}")
    room = working_room(plan["working"])
    # Whole pages; a file system in memory without a limit says 0.
    if plan["working_bytes"] and not 0 < room <= plan["working_bytes"] + os.sysconf("SC_PAGE_SIZE"):
        failures.append(f"the working folder has room for {room} bytes, not {plan['working_bytes']}")
    visible = [name for name in plan["hidden"] if os.path.lexists(name)]
    if visible:
        failures.append(f"visible, but should be hidden: {visible}")
    present = [name for name in plan["absent"] if importlib.util.find_spec(name)]
    if present:
        failures.append(f"installed, but not in the image: {present}")
    return {
        "failures": failures,
        "network": "reachable" if reachable or resolved else "unreachable",
        "hidden": plan["hidden"],
        "read_only": [name for name in plan["read_only"] if name not in writable],
        "working_bytes": room,
        "memory_bytes": memory_limit(),
        "python": sys.version.split()[0],
        "user": os.getuid(),
    }


def routed(address: str, family: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe_socket:
            probe_socket.connect((address, 53))
    except OSError:
        return False
    return True


def resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 443))
    except OSError:
        return False


def can_write(folder: str) -> bool:
    path = Path(folder) / f".foldship-probe-{os.getpid()}"
    try:
        path.touch(exist_ok=False)
    except OSError:
        return False
    path.unlink()
    return True


def working_room(folder: str) -> int:
    """Bytes of the file system that a folder lies on."""
    system = os.statvfs(folder)
    return system.f_blocks * system.f_frsize


def memory_limit() -> int | None:
    """The memory limit in bytes as the sandbox shows it; None where it shows none."""
    for name in MEMORY_LIMITS:
        with contextlib.suppress(OSError, ValueError):
            limit = int(Path(name).read_text())
            return limit if limit < UNLIMITED else None
    return None


def run(plan: dict[str, Any]) -> dict[str, Any]:
    """Run the kernel to its end, or to one of ours."""
    refused = refusals()
    started = time.monotonic()
    kernel = subprocess.Popen(
        plan["command"],
        cwd=plan["working"],
        env=plan["environment"],
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    prefer_when_memory_ends(kernel.pid)
    stopped = wait(kernel, started + plan["limit_s"])
    seconds = time.monotonic() - started
    end_all(kernel)
    code = kernel.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    now = refusals()
    return {
        "exit_code": code if code >= 0 else None,
        "signal": signal.Signals(-code).name if code < 0 else None,
        "stopped": stopped,
        "seconds": round(seconds, 3),
        "largest_process_bytes": usage.ru_maxrss * 1024,
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 3),
        "network_attempts": None if now is None or refused is None else now - refused,
    }


def prefer_when_memory_ends(pid: int) -> None:
    """Have the operating system end the kernel, not this supervisor, when memory runs out."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/oom_score_adj").write_text("1000")


def wait(kernel: subprocess.Popen[bytes], deadline: float) -> str | None:
    """Return why the kernel must be stopped, or None if it ended by itself."""
    while kernel.poll() is None:
        if time.monotonic() >= deadline:
            return "time"
        if select.select([0], [], [], POLL_S)[0]:
            return os.read(0, 64).decode().strip() or "abandoned"
    return None


def end_all(kernel: subprocess.Popen[bytes]) -> None:
    """End the kernel and whatever it started."""
    try:
        if os.getpid() == 1:
            os.kill(-1, signal.SIGKILL)
        else:
            os.killpg(kernel.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def refusals() -> int | None:
    """How often something was sent where there is no way; None where that is not counted."""
    total = 0
    try:
        lines = Path("/proc/net/snmp").read_text().splitlines()
        for names, values in zip(lines[::2], lines[1::2], strict=True):
            protocol, *fields = names.split()
            numbers = values.split()[1:]
            total += sum(
                int(value)
                for field, value in zip(fields, numbers, strict=True)
                if protocol + field in REFUSED
            )
        six = Path("/proc/net/snmp6")
        if six.exists():
            pairs = (line.split() for line in six.read_text().splitlines())
            total += sum(int(value) for field, value in pairs if field in REFUSED)
    except OSError:
        return None
    return total


def size(folder: Path) -> tuple[int, int]:
    """Bytes and number of files below a folder."""
    entries = [Path(parent) / name for parent, _, names in os.walk(folder) for name in names]
    return sum(entry.lstat().st_size for entry in entries), len(entries)


if __name__ == "__main__":
    sys.exit(main())
