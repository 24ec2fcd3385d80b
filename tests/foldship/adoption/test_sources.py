from __future__ import annotations

from pathlib import Path

import pytest

from foldship.adoption import sources
from foldship_kernel.errors import FoldshipError


def write(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("{}")


SAVED = ("config.json", "model.safetensors")


@pytest.mark.parametrize(
    ("files", "kind", "place"),
    [
        (SAVED, sources.SAVED, "m"),
        (("config.json", "pytorch_model.bin"), sources.SAVED, "m"),
        (("config.json", "model.safetensors.index.json"), sources.SAVED, "m"),
        ((*SAVED, "model.onnx"), sources.SAVED, "m"),
        (("adapter_config.json", "adapter_model.safetensors"), sources.ADAPTER, "m"),
        ((*SAVED, "modules.json"), sources.SENTENCES, "m"),
        (("config.json", "model.onnx"), sources.ONNX, "m/model.onnx"),
        (("log.txt", *(f"checkpoint-70/{name}" for name in SAVED)), sources.SAVED, "m/checkpoint-70"),
    ],
)
def test_a_folder_is_told_by_its_files(tmp_path: Path, files: tuple[str, ...], kind: str, place: str) -> None:
    write(tmp_path / "m", *files)
    assert sources.find(["m"], tmp_path) == [sources.Source(kind, tmp_path / place)]


def test_a_folder_of_folds_and_a_pattern_give_them_in_order(tmp_path: Path) -> None:
    for fold in (10, 2, 1):
        write(tmp_path / "runs" / f"fold{fold}", *SAVED)
    write(tmp_path / "runs", "notes.txt")
    wanted = ["fold1", "fold2", "fold10"]
    assert [source.name for source in sources.find(["runs"], tmp_path)] == wanted
    assert [source.name for source in sources.find(["runs/fold*"], tmp_path)] == wanted
    given = ["runs/fold10", str(tmp_path / "runs" / "fold1")]
    assert [source.name for source in sources.find(given, tmp_path)] == ["fold10", "fold1"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["gone"], r"no such model(.|\n)*found: +in .*a, b, notes.txt, two"),
        (["gone/fold*"], r"no such model(.|\n)*no folder"),
        (["a", "b"], r"different kinds(.|\n)*a: saved model, b: adapter"),
        (["a", "a"], "named twice"),
        (["notes.txt"], "holds no model that is known"),
        (["two"], r"no model that is known(.|\n)*name one of them: checkpoint-1, checkpoint-2"),
    ],
)
def test_what_is_not_there_or_not_known_is_refused(tmp_path: Path, names: list[str], message: str) -> None:
    write(tmp_path, *(f"a/{name}" for name in SAVED), "b/adapter_config.json", "notes.txt")
    write(tmp_path, *(f"two/checkpoint-{number}/{name}" for number in (1, 2) for name in SAVED))
    with pytest.raises(FoldshipError, match=message):
        sources.find(names, tmp_path)


def test_a_digest_follows_what_is_read_and_not_a_log(tmp_path: Path) -> None:
    write(tmp_path / "m", *SAVED)
    (source,) = sources.find(["m"], tmp_path)
    before = source.digest()
    write(tmp_path / "m", "optimizer.pt", "train.log")
    assert source.digest() == before
    (tmp_path / "m" / "model.safetensors").write_text("other")
    assert source.digest() != before
