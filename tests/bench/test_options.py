from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import __main__, options
from foldship_kernel.errors import FoldshipError

PLACES = Path("folder"), Path("page")


def test_suites_keep_their_order_and_none_named_means_all() -> None:
    assert options.read("quick", "gpu, speed", 2, *PLACES).suites == ("speed", "gpu")
    assert options.read("full", "", 2, *PLACES).suites == options.SUITES


@pytest.mark.parametrize(
    ("size", "suites", "threads", "key"),
    [("huge", "", 2, "BENCH"), ("full", "speed,sped", 2, "SUITES"), ("full", "", 0, "THREADS")],
)
def test_an_unknown_choice_is_named(size: str, suites: str, threads: int, key: str) -> None:
    with pytest.raises(FoldshipError, match=key):
        options.read(size, suites, threads, *PLACES)


@pytest.mark.parametrize(
    ("size", "suites", "threads", "command"),
    [
        ("full", "", 2, "make bench"),
        ("quick", "repeats,speed", 4, "make bench BENCH=quick SUITES=speed,repeats THREADS=4"),
    ],
)
def test_the_command_repeats_the_run(size: str, suites: str, threads: int, command: str) -> None:
    assert options.read(size, suites, threads, *PLACES).command == command


def test_the_program_says_what_it_does_not_know() -> None:
    done = CliRunner().invoke(__main__.main, ["--size", "huge"])
    assert done.exit_code == 1
    assert "full, quick, tiny" in str(done.exception)


def test_every_variable_of_the_command_is_one_of_the_makefile(root: Path) -> None:
    made = options.read("quick", "speed", 4, *PLACES).command
    makefile = (root / "Makefile").read_text()
    for word in made.split()[2:]:
        assert f"$({word.split('=')[0]})" in makefile
