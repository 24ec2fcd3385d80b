"""Wrong arguments get the right advice, and help is true."""

from __future__ import annotations

from pathlib import Path

import click
import project
import pytest

from foldship.cli import quantities
from foldship.cli.main import VERBS
from foldship.config import load


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("trian",), "there is no verb 'trian': did you mean train?"),
        (("xyzzy",), "the verbs are documents, "),
        (("train", "--competiton", "sts"), "--competition"),
        (("train", "--competition", "qest"), "did you mean quest?"),
        (("train", "--competition", "kernels/quest/"), "did you mean quest?"),
        (("runs", "--competition", "qest"), "did you mean quest?"),
        (("report", "--competition", "qest"), "did you mean quest?"),
        (("train", "--competition", "zzz"), "bioasq, klue_re, quest, sts"),
        (("train", "--recipe", "/tmp"), "name a recipe, not a path"),
        (("train", "--recipe", "../fast"), "name a recipe, not a path"),
        (("train", "--recipe", "fast.yaml"), "without its ending: fast"),
        (("train", "--recipe", "kernels/quest/recipes/fast.yaml"), "without its ending: fast"),
        (("train", "--recipe", "rigde"), "did you mean ridge?"),
        (("train", "--recipe", "Fast"), "did you mean fast?"),
        (("train", "--recipe", "base"), "did you mean ablation/base?"),
        (("train", "--data", "README.md"), "name the folder: "),
        (("train", "--jobs", "0"), "0 is not in the range x>=1"),
        (("simulate", "--limit", "2h"), "write 7200, in seconds"),
        (("simulate", "--limit", "1h30m"), "write 5400, in seconds"),
        (("simulate", "--memory", "16GB"), "write 16, in GiB"),
        (("simulate", "--memory", "512MiB"), "write 0.5, in GiB"),
        (("simulate", "--memory", "nan"), "not a finite number"),
        (("simulate", "--limit", "-1"), "-1.0 is not in the range x>0"),
        (("simulate", "--cpus", "all"), "write a number of processors"),
    ],
)
def test_a_wrong_argument_gets_the_right_advice(root: Path, arguments: tuple[str, ...], said: str) -> None:
    result = project.here(root, *arguments)
    assert result.returncode != 0
    assert said in result.stderr and "Traceback" not in result.stderr


@pytest.mark.parametrize("text", ["soon", "2 parsecs", "h", ""])
def test_what_means_nothing_is_not_guessed(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a valid float: write a number of seconds"):
        quantities.LIMIT.convert(text, None, None)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_is_plain_and_names_all_recipes(root: Path, verb: str) -> None:
    result = project.here(root, verb, "--help")
    assert result.returncode == 0
    assert "\x1b" not in result.stdout and "\r" not in result.stdout
    words = " ".join(result.stdout.split())
    if "A file in kernels/<competition>/recipes" in words:
        for folder in root.glob("kernels/*/recipes"):
            for name in load.recipes(folder):
                assert f" {name}" in words, name
    else:
        assert verb in {"adopt", "new", "runs", "report", "sample"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"competition: quest\nname: \xff\n", "is not in UTF-8"),
        (b"[" * 5000, "no valid YAML"),
        (b"a: [1\n", "no valid YAML"),
        (b"- 1\n", "holds no mapping"),
    ],
)
def test_a_file_of_settings_that_cannot_be_read_is_named(
    root: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    folder = tmp_path / "kernels" / "quest"
    (folder / "recipes").mkdir(parents=True)
    for path in ("competition.yaml", "experiment.yaml"):
        (folder / path).write_bytes((root / "kernels" / "quest" / path).read_bytes())
    (folder / "recipes" / "odd.yaml").write_bytes(content)
    result = project.here(tmp_path, "train", "--recipe", "odd")
    assert result.returncode == 1
    assert "odd.yaml" in result.stderr and said in result.stderr and "Traceback" not in result.stderr
