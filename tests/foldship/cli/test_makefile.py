"""The Makefile: what it offers, what it passes on, and what it says of what it does not know."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

from foldship.cli.main import VERBS
from foldship.config import load

ODD = 'my data\'s  "folder" $HOME; `x` (1)'
# Variable, target, option.
PASSED = [
    ("COMPETITION", "train", "--competition"),
    ("RECIPE", "train", "--recipe"),
    ("DATA", "submission", "--data"),
    ("DATA", "sweep", "--data"),
    ("JOBS", "train", "--jobs"),
    ("INPUT", "simulate", "--input"),
    ("LIMIT", "simulate", "--limit"),
    ("MEMORY", "simulate", "--memory"),
    ("CPUS", "submission", "--cpus"),
    ("ISOLATION", "simulate", "--isolation"),
    ("ISOLATION", "submission", "--isolation"),
    ("ROWS", "simulate", "--rows"),
    ("PROFILE", "simulate", "--profile"),
    ("MARGIN", "simulate", "--margin"),
    ("COMPARE", "push", "--compare"),
    ("IMPORT", "calibrate", "--import"),
    ("IMAGE", "image", "--name"),
    ("OOF", "adopt", "--oof"),
    ("MODEL", "adopt", "--model"),
    ("SHOW", "runs", "--show"),
    ("A", "runs", "--against"),
]


def make(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *arguments], cwd=root, capture_output=True, text=True, check=False)


def commands(root: Path, *arguments: str) -> list[list[str]]:
    """What would be run of the program."""
    printed = make(root, "-n", *arguments).stdout.replace("\\\n", " ")
    return [
        shlex.split(line.rpartition("-m foldship ")[2])
        for line in printed.splitlines()
        if "-m foldship " in line
    ]


@pytest.mark.parametrize("target", sorted({target for _, target, _ in PASSED}))
def test_a_value_is_passed_on_in_one_piece(root: Path, target: str) -> None:
    options = {variable: option for variable, one, option in PASSED if one == target}
    odd = ODD.replace("$", "$$")
    found = commands(root, target, *(f"{variable}={odd}" for variable in options))
    for option in options.values():
        assert any(option in words and words[words.index(option) + 1] == ODD for words in found), option


@pytest.mark.parametrize("variable", ["CHECK", "SOURCES"])
def test_a_path_with_spaces_is_one_and_several_are_several(root: Path, tmp_path: Path, variable: str) -> None:
    (tmp_path / "a b").mkdir()
    target = "bundle" if variable == "CHECK" else "adopt"
    for value, count in ((f"{tmp_path}/a b", 1), (f"{tmp_path}/a {tmp_path}/b", 2)):
        printed = make(root, "-n", target, f"{variable}={value}").stdout.replace("\\\n", " ")
        (line,) = (line for line in printed.splitlines() if "-m foldship" in line)
        shown = f'{line.partition("; .venv")[0]}; for each in "$@"; do echo "[$each]"; done'
        told = subprocess.run(["sh", "-c", shown], capture_output=True, text=True, check=True).stdout
        assert len(told.splitlines()) == count, told


def test_help_names_every_recipe_and_competition(root: Path) -> None:
    text = make(root).stdout
    assert "\x1b" not in text
    folders = sorted(root.glob("kernels/*/recipes"))
    assert folders
    for folder in folders:
        assert folder.parent.name in text
        for name in load.recipes(folder):
            assert re.search(rf"[=|: ]{name}\b", text), name


def test_help_names_every_variable_and_each_is_known(root: Path) -> None:
    makefile, text = (root / "Makefile").read_text(), make(root).stdout
    names = re.findall(r"^([A-Z]+) +\?=", makefile, re.MULTILINE)
    assert len(names) > 20 and all(f"{name}=" in text for name in names)
    given = [f"{name}=x" for name in names if name != "PYTHON"]
    assert make(root, "-n", "train", *given).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("train", "COMPETITON=sts"), "no variable COMPETITON: did you mean COMPETITION?"),
        (("train", "data=x"), "no variable data: did you mean DATA?"),
        (("train", "XYZZY=1"), "no variable XYZZY: there are COMPETITION RECIPE"),
        (("trian",), "no target trian: did you mean train?"),
        (("xyzzy",), "no target xyzzy: bare make lists all"),
    ],
)
def test_what_is_misspelt_is_refused(root: Path, arguments: tuple[str, ...], said: str) -> None:
    result = make(root, *arguments)
    assert result.returncode != 0 and said in result.stderr


def test_verbs_that_need_a_project_are_targets(root: Path) -> None:
    targets = set(re.findall(r"^([a-z]+): .*## ", (root / "Makefile").read_text(), re.MULTILINE))
    assert set(VERBS) - targets == {"new", "sample"}
