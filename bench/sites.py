"""`python -m bench.sites HOSTS SECONDS`: web sites that answer after so many seconds; prints their ports."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.machine import ROOT

PARAGRAPH = "The protein was found in most samples, and its level rose with time. "
PAGE = f"<html><head><title>Page</title></head><body>{f'<p>{PARAGRAPH * 4}</p>' * 20}</body></html>".encode()
HEAD = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n\r\n".encode()


@contextmanager
def running(hosts: int, latency_s: float) -> Iterator[list[str]]:
    """Sites in a process of their own, as addresses without a closing slash."""
    command = [sys.executable, "-m", "bench.sites", str(hosts), str(latency_s)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield [f"http://127.0.0.1:{port}" for port in process.stdout.readline().split()]
        finally:
            process.terminate()


async def _serve(hosts: int, latency_s: float) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                await reader.readuntil(b"\r\n\r\n")
                await asyncio.sleep(latency_s)
                writer.write(HEAD + PAGE)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    servers = [await asyncio.start_server(answer, "127.0.0.1", 0) for _ in range(hosts)]
    print(*(server.sockets[0].getsockname()[1] for server in servers), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
