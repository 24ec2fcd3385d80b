from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from foldship import export
from foldship.export import candidates, fp32, fusion, parity, precision, sources
from foldship.export.samples import Rows
from foldship.modelling import store
from foldship_kernel.errors import FoldshipError
from foldship_kernel.fold import Fold

RUN_AGAIN = """
import pickle, sys
from pathlib import Path
from foldship import export
folder, folds, encoded, features = pickle.loads(Path(sys.argv[1]).read_bytes())
export.run(folder, folds, encoded, features, Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def trained(train):
    return train("bert", lora=True)


@pytest.fixture(scope="module")
def exported(trained, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "bert"
    export.run(trained.folder, trained.folds, trained.encoded, trained.features, out)
    return out


def predictions(out: Path, trained, entry: dict, kind: str, engine: str = "onnxruntime") -> np.ndarray:
    encoder = out / entry[kind]
    graphs = Fold(encoder, encoder, out / entry["head"], gpus=0, cpu_engine=engine)
    return parity.outputs(store.load_card(trained.folder), graphs, Rows(trained.encoded, trained.features))


def test_export_json_names_every_file_of_a_fold(exported):
    summary = json.loads((exported / "export.json").read_text())
    named = {"export.json", "parity.json", "receipt.json"}
    for number, fold in enumerate(summary["folds"]):
        assert fold["fold"] == number
        assert fold["weights"] == [f"weights-fold{number}.bin", "weights-shared.bin"]
        named |= {fold["encoder"], fold["encoder_cpu"], fold["head"], *fold["weights"]}
    assert {path.name for path in exported.iterdir()} == named
    assert summary["fused_attentions"] == 2
    assert set(summary["structure"]) == {"encoder", "encoder_cpu", "head"}


def test_folds_predict_what_torch_does_and_differ_from_one_another(exported, trained):
    found = json.loads((exported / "parity.json").read_text())["folds"]
    for fold in found:
        names = [rung["rung"] for rung in fold["rungs"]]
        assert names == ["merged", "fused", "half precision", "half precision on CPU"]
        assert all(rung["difference"] <= rung["tolerance"] for rung in fold["rungs"])
        assert fold["rows"] == len(trained.features) + 2
        assert fold["lowest_spearman"] > 0.98
    entries = json.loads((exported / "export.json").read_text())["folds"]
    first, second = (predictions(exported, trained, entry, "encoder") for entry in entries)
    assert np.abs(first - second).max() > 1e-3
    np.testing.assert_allclose(predictions(exported, trained, entries[0], "encoder_cpu"), first, atol=3e-3)


def test_weights_of_the_base_are_stored_once(exported):
    summary = json.loads((exported / "export.json").read_text())
    assert 0.2 < summary["sharing"]["saved"] < 0.5  # of two folds; the heads share nothing
    sizes = summary["sizes"]
    assert sizes["weights-shared.bin"] > sizes["weights-fold0.bin"]


def test_weights_are_half_precision_and_arithmetic_is_per_device(exported):
    half = onnx.load(exported / "encoder-fold0.onnx", load_external_data=False)
    wide = onnx.load(exported / "encoder-fold0.cpu.onnx", load_external_data=False)
    for model in (half, wide):
        large = [tensor for tensor in model.graph.initializer if np.prod(tensor.dims) * 2 >= 1024]
        assert large
        assert {tensor.data_type for tensor in large} <= {onnx.TensorProto.FLOAT16, onnx.TensorProto.INT64}
        assert all(value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT for value in model.graph.output)
    casts = [sum(node.op_type == "Cast" for node in model.graph.node) for model in (half, wide)]
    weights = sum(node.name.endswith(".fp32") for node in wide.graph.node)
    assert weights > 0
    assert casts[1] >= weights


def test_files_hold_no_local_paths(exported):
    for path in exported.glob("*.onnx"):
        content = path.read_bytes()
        assert b"site-packages" not in content
        assert str(Path.cwd()).encode() not in content


def test_second_run_does_nothing(exported, trained, monkeypatch):
    before = {path.name: path.stat().st_mtime_ns for path in exported.iterdir()}
    monkeypatch.setattr(fp32, "draft", lambda *arguments: pytest.fail("it was exported again"))
    again = export.run(trained.folder, trained.folds, trained.encoded, trained.features, exported)
    assert again == json.loads((exported / "export.json").read_text())
    assert before == {path.name: path.stat().st_mtime_ns for path in exported.iterdir()}


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [truncate, flip_a_bit, Path.unlink])
@pytest.mark.parametrize("name", ["weights-shared.bin", "export.json", "parity.json"])
def test_a_damaged_export_is_made_again(exported, trained, tmp_path, monkeypatch, damage, name):
    class MadeAgainError(Exception):
        pass

    def again(*arguments: object) -> None:
        raise MadeAgainError

    out = tmp_path / "bert"
    shutil.copytree(exported, out)
    damage(out / name)
    monkeypatch.setattr(fp32, "draft", again)
    with pytest.raises(MadeAgainError):
        export.run(trained.folder, trained.folds, trained.encoded, trained.features, out)


def test_an_export_that_was_moved_aside_is_put_back(exported, trained, tmp_path, monkeypatch):
    shutil.copytree(exported, tmp_path / ".bert.old")
    monkeypatch.setattr(fp32, "draft", lambda *arguments: pytest.fail("it was exported again"))
    export.run(trained.folder, trained.folds, trained.encoded, trained.features, tmp_path / "bert")
    assert (tmp_path / "bert" / "export.json").read_bytes() == (exported / "export.json").read_bytes()


@pytest.mark.parametrize("fold", [0, 1])
def test_each_folds_weights_count(trained, tmp_path, fold):
    def fingerprint(folder: Path) -> str:
        card = store.load_card(folder)
        return sources.fingerprint(card, folder, trained.folds, Rows(trained.encoded, trained.features))

    folder = tmp_path / "model"
    shutil.copytree(trained.folder, folder)
    before = fingerprint(folder)
    assert before == fingerprint(trained.folder)
    flip_a_bit(folder / f"fold{fold}" / store.WEIGHTS)
    assert fingerprint(folder) != before


def test_code_that_makes_or_runs_the_graphs_counts(trained, tmp_path, monkeypatch):
    names = {path.name for path in sources.code()}
    assert {
        "pipeline.py",
        "model.py",
        "predict.py",
        "store.py",
        "fold.py",
        "open_vino.py",
        "ranks.py",
        "task.py",
        "batching.py",
        "encode.py",
        "encoded.py",
    } <= names
    source = tmp_path / "model.py"
    monkeypatch.setattr(sources, "code", lambda: [source])
    card = store.load_card(trained.folder)
    seen = set()
    for text in ("one", "two"):
        source.write_text(text)
        rows = Rows(trained.encoded, trained.features)
        seen.add(sources.fingerprint(card, trained.folder, [0], rows))
    assert len(seen) == 2


def test_two_exports_are_byte_identical(exported, trained, tmp_path, root):
    import pickle

    given = tmp_path / "arguments"
    given.write_bytes(pickle.dumps((trained.folder, trained.folds, trained.encoded, trained.features)))
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "PYTHONHASHSEED": "7"}
    subprocess.run(
        [sys.executable, "-c", RUN_AGAIN, str(given), str(tmp_path / "again")], env=environment, check=True
    )
    for path in exported.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_failure_leaves_the_earlier_export_and_no_rubbish(exported, trained, tmp_path, monkeypatch):
    out = tmp_path / "bert"
    shutil.copytree(exported, out)
    monkeypatch.setattr(
        parity, "HALF", parity.Rung("half precision", 1e-9, "fix: nothing, the tolerance is absurd")
    )
    with pytest.raises(parity.ValuesError, match="fold 0, half precision"):
        export.run(trained.folder, [0], trained.encoded, trained.features, out)
    assert [path.name for path in tmp_path.iterdir()] == ["bert"]
    assert (out / "export.json").read_bytes() == (exported / "export.json").read_bytes()


def test_what_overflows_in_one_fold_stays_fp32_in_all(trained, tmp_path, monkeypatch):
    real = precision.maxima
    calls = []

    def maxima(model, batches, folder):
        largest = real(model, batches, folder)
        calls.append(max(largest, key=largest.__getitem__))
        return {**largest, calls[-1]: 5e4} if len(calls) == 2 else largest

    monkeypatch.setattr(precision, "maxima", maxima)
    summary = export.run(trained.folder, trained.folds, trained.encoded, trained.features, tmp_path / "bert")
    assert summary["kept_in_fp32"]
    assert summary["largest_intermediate"]["value"] == 5e4


def test_folds_of_other_structure_are_refused(trained, tmp_path, monkeypatch):
    real, calls = fusion.fuse, []

    def fuse(path, config):
        model = real(path, config)
        calls.append(path)
        if len(calls) == 2:
            model.graph.node[0].name += "-changed"
        return model

    monkeypatch.setattr(fp32, "fuse", fuse)
    with pytest.raises(FoldshipError, match="fold 1: its encoder graph differs"):
        export.run(trained.folder, trained.folds, trained.encoded, trained.features, tmp_path / "bert")


def test_left_padding_is_refused(trained, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(trained.folder, folder)
    tokenizer = json.loads((folder / store.TOKENIZER).read_text())
    tokenizer["padding"] = {"direction": "Left"}
    (folder / store.TOKENIZER).write_text(json.dumps(tokenizer))
    with pytest.raises(FoldshipError, match="pads on the left"):
        export.run(folder, trained.folds, trained.encoded, trained.features, tmp_path / "out")


def test_missing_fold_names_the_file_and_the_fix(trained, tmp_path):
    with pytest.raises(FoldshipError, match=r"fold7.*model\.safetensors") as caught:
        export.run(trained.folder, [0, 7], trained.encoded, trained.features, tmp_path / "out")
    assert "make train" in caught.value.fix


@pytest.mark.parametrize(
    ("wanted", "engine", "rung"),
    [
        ("openvino", "openvino", "OpenVINO on CPU"),
        ("openvino-fp32", "openvino-fp32", "OpenVINO in fp32 on CPU"),
        ("onnxruntime-int8", "onnxruntime", "int8 on CPU"),
    ],
)
def test_an_engine_that_is_asked_for_is_exported_and_climbs_the_ladder(
    trained, held_out, tmp_path, monkeypatch, wanted, engine, rung
):
    monkeypatch.setattr(candidates, "obstacle", lambda candidate: "")  # for processors without bf16
    out = tmp_path / "bert"
    summary = export.run(
        trained.folder,
        trained.folds,
        trained.encoded,
        trained.features,
        out,
        cpu_engine=wanted,
        held_out=held_out(trained),
    )
    assert summary["cpu_engine"] == engine
    assert [(trial["engine"], trial["verdict"]) for trial in summary["cpu_engines"]] == [
        (wanted, "asked for")
    ]
    for fold in json.loads((out / "parity.json").read_text())["folds"]:
        assert fold["rungs"][-1]["rung"] == rung
    for entry in summary["folds"]:
        expected = predictions(out, trained, entry, "encoder")
        np.testing.assert_allclose(
            predictions(out, trained, entry, "encoder_cpu", engine), expected, atol=0.05
        )
    files = {path.name for path in out.iterdir()}
    assert ("encoder-fold0.int8.onnx" in files) == (wanted == "onnxruntime-int8")
    assert ("encoder-fold0.cpu.onnx" in files) == wanted.startswith("openvino")


def test_int8_weights_lie_outside_of_the_graph_and_embeddings_are_shared(trained, held_out, tmp_path):
    out = tmp_path / "bert"
    summary = export.run(
        trained.folder,
        trained.folds,
        trained.encoded,
        trained.features,
        out,
        cpu_engine="onnxruntime-int8",
        held_out=held_out(trained),
    )
    model = onnx.load(out / "encoder-fold0.int8.onnx", load_external_data=False)
    half = onnx.load(out / "encoder-fold0.onnx", load_external_data=False)
    places = [
        {
            tuple((entry.key, entry.value) for entry in tensor.external_data)
            for tensor in graph.graph.initializer
            if list(tensor.dims) == [200, 32]
        }
        for graph in (model, half)
    ]
    assert places[0] == places[1] != set()
    types = {tensor.data_type for tensor in model.graph.initializer if tensor.external_data}
    assert types == {onnx.TensorProto.INT8, onnx.TensorProto.FLOAT16}
    assert summary["folds"][0]["encoder_cpu"] == "encoder-fold0.int8.onnx"


def test_held_out_rows_and_the_engine_asked_for_count(trained, held_out):
    card, rows = store.load_card(trained.folder), Rows(trained.encoded, trained.features)
    samples = held_out(trained)
    other = {**samples, 0: dataclasses.replace(samples[0], truth=samples[0].truth + 0.1)}
    seen = {
        sources.fingerprint(card, trained.folder, [0, 1], rows, wanted, sample)
        for wanted in ("auto", "openvino")
        for sample in (samples, other)
    }
    assert len(seen) == 4
