"""Graphs are taken as they are, or refused with what is wrong with them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import elsewhere
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.transformers.float16 import convert_float_to_float16

from foldship import adoption, export
from foldship.adoption import Given, graphs
from foldship.config.adopting import Adopted
from foldship.modelling import adopted, graph_files, library, reading, store
from foldship_kernel.errors import FoldshipError
from foldship_kernel.fold import Fold

Change = Callable[[onnx.ModelProto], None]


@pytest.fixture(scope="module")
def model(tiny_backbone: Path, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("classifier")
    return elsewhere.classifier(folder, tiny_backbone, max_length=elsewhere.TOKENS), folder


@pytest.fixture(scope="module")
def plain(model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "model.onnx"
    elsewhere.graph(path, model[0])
    return path


def changed(plain: Path, folder: Path, change: Change) -> Path:
    """A copy of the graph with something else about it."""
    graph = onnx.load(plain)
    change(graph)
    onnx.save(graph, folder / "model.onnx")
    return folder / "model.onnx"


@pytest.mark.parametrize("most", [graph_files.LARGEST, 1000], ids=["", "above the limit of one file"])
def test_a_graph_predicts_what_its_model_does_also_as_it_ships(
    model,
    plain: Path,
    given: Callable[..., Given],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    most: int,
) -> None:
    here, (network, folder) = given(), model
    monkeypatch.setattr(graph_files, "LARGEST", most)
    settings = Adopted(folds=(str(plain),), tokenizer=str(folder))
    adoption.run("theirs", settings, here)
    place = here.weights / "theirs"
    card = library.load_card(place)
    beside = place / "fold0" / (adopted.GRAPH + graph_files.DATA)
    assert beside.is_file() == (most == 1000)
    assert card.encoding.segment_ids
    rows, features = reading.read_rows(
        here.rows, here.task, place / store.TOKENIZER, card.encoding, card.features
    )
    summary = export.run(place, [0], rows, features, tmp_path / "out")
    wanted = elsewhere.logits(network, folder, here.rows, ["title", "body"], elsewhere.TOKENS)
    (entry,) = summary["folds"]
    for encoder in (entry["encoder"], entry["encoder_cpu"]):
        fold = Fold(
            tmp_path / "out" / encoder, tmp_path / "out" / encoder, tmp_path / "out" / entry["head"], gpus=0
        )
        found = here.task.outputs(fold.predict(rows, features, card.encoding))
        np.testing.assert_allclose(found, wanted, atol=0.02)
    rungs = json.loads((tmp_path / "out" / "parity.json").read_text())["folds"][0]["rungs"]
    assert [rung["rung"] for rung in rungs] == ["half precision", "half precision on CPU"]


def test_external_data_is_taken_in_and_missed_where_it_is_gone(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    onnx.save(onnx.load(plain), tmp_path / "model.onnx", save_as_external_data=True, location="w.bin")
    graphs.take(tmp_path / "model.onnx", tmp_path / "out")
    assert (tmp_path / "out" / adopted.GRAPH).stat().st_size > 1e6
    (tmp_path / "w.bin").unlink()
    with pytest.raises(FoldshipError, match=r"weights lie in another file(.|\n)*w\.bin"):
        graphs.take(tmp_path / "model.onnx", tmp_path / "out")


def test_external_data_that_was_cut_off_is_refused(plain: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    onnx.save(onnx.load(plain), tmp_path / "model.onnx", save_as_external_data=True, location="w.bin")
    content = (tmp_path / "w.bin").read_bytes()
    (tmp_path / "w.bin").write_bytes(content[: len(content) // 2])
    with pytest.raises(FoldshipError, match=r"model\.onnx: its weights lie in another file"):
        graphs.take(tmp_path / "model.onnx", tmp_path / "out")


@pytest.mark.parametrize(
    ("segments", "makes", "texts", "said"),
    [
        (False, True, ("title", "body"), "WARNING: the tokenizer makes token_type_ids"),
        (False, False, ("title", "body"), None),
        (True, True, ("title", "body"), None),
        (True, False, ("title", "body"), "refused"),
        (True, False, ("body",), None),
    ],
)
def test_a_graph_and_its_tokenizer_have_to_have_the_same_inputs(
    segments: bool,
    makes: bool,
    texts: tuple[str, ...],
    said: str | None,
    model,
    given: Callable[..., Given],
    tmp_path: Path,
) -> None:
    network, folder = model
    elsewhere.graph(tmp_path / "model.onnx", network, segments=segments)
    shutil.copytree(folder, tmp_path / "words")
    if not makes:
        own = tmp_path / "words" / "tokenizer_config.json"
        names = ["input_ids", "attention_mask"]
        own.write_text(json.dumps({**json.loads(own.read_text()), "model_input_names": names}))
    settings = Adopted(folds=("model.onnx",), tokenizer="words", texts=texts)
    if said == "refused":
        with pytest.raises(
            FoldshipError, match=r"reads token_type_ids, and its tokenizer does not make them"
        ):
            adoption.run("theirs", settings, given())
        return
    notes = adoption.run("theirs", settings, given())
    assert [note for note in notes if note.startswith("WARNING")] == [
        note for note in notes if said is not None and note.startswith(said)
    ]
    assert said is None or any(note.startswith(said) for note in notes)


def test_its_size_tells_what_it_costs(plain: Path, tmp_path: Path) -> None:
    network = graphs.take(plain, tmp_path)
    assert network.width == 1 and network.shape is not None
    layers, width, within = network.shape
    weights = 2 * (4 * 32**2 + 2 * 32 * 64)
    assert width == 32 and within == 128
    assert abs(layers * (4 * width**2 + 2 * width * within) - weights) < 12 * width**2


def test_a_configuration_beside_it_is_read(model, plain: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "model.onnx").write_bytes(plain.read_bytes())
    (tmp_path / "config.json").write_bytes((model[1] / "config.json").read_bytes())
    network = graphs.take(tmp_path / "model.onnx", tmp_path / "out")
    assert network.shape is None
    assert network.config["model_type"] == "bert" and network.longest == 64


def rename_input(graph: onnx.ModelProto) -> None:
    graph.graph.input[0].name = "tokens"


def fix_length(graph: onnx.ModelProto) -> None:
    graph.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 128


def other_type(graph: onnx.ModelProto) -> None:
    graph.graph.input[1].type.tensor_type.elem_type = TensorProto.INT32


def new_opset(graph: onnx.ModelProto) -> None:
    graph.opset_import[0].version = 99


def old_opset(graph: onnx.ModelProto) -> None:
    graph.opset_import[0].version = 14


def own_operator(graph: onnx.ModelProto) -> None:
    graph.graph.node[0].domain = "someone.else"
    graph.opset_import.append(helper.make_opsetid("someone.else", 1))


def two_outputs(graph: onnx.ModelProto) -> None:
    graph.graph.output[0].name = graph.graph.node[-1].output[0] = "one"
    graph.graph.output.append(onnx.ValueInfoProto(name=graph.graph.node[-2].output[0]))


def squeeze(graph: onnx.ModelProto) -> None:
    graph.graph.node[-1].output[0] = "inner"
    graph.graph.node.append(helper.make_node("Flatten", ["inner"], ["flat"], axis=0))
    graph.graph.node.append(helper.make_node("Identity", ["flat"], ["logits"]))
    graph.graph.output[0].type.tensor_type.ClearField("shape")


def blind(graph: onnx.ModelProto) -> None:
    """Padding counts like words: the mask is overwritten."""
    for node in graph.graph.node:
        node.input[:] = ["ones" if name == "attention_mask" else name for name in node.input]
    graph.graph.node.insert(0, helper.make_node("Shape", ["input_ids"], ["size"]))
    value = helper.make_tensor("value", TensorProto.INT64, [1], [1])
    graph.graph.node.insert(1, helper.make_node("ConstantOfShape", ["size"], ["ones"], value=value))


def halve(graph: onnx.ModelProto) -> None:
    graph.CopyFrom(convert_float_to_float16(graph, keep_io_types=True))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (rename_input, r"inputs that the kernel does not feed(.|\n)*tokens"),
        (fix_length, r"input_ids has a fixed size(.|\n)*\[None, 128\]"),
        (other_type, r"attention_mask is no int64(.|\n)*INT32"),
        (new_opset, r"an opset(.|\n)*17 to 21(.|\n)*99"),
        (old_opset, r"an opset(.|\n)*14(.|\n)*version_converter"),
        (own_operator, r"operators that ONNX Runtime does not have(.|\n)*someone\.else"),
        (two_outputs, "which output holds the logits"),
        (squeeze, r"no table of sequences and logits(.|\n)*\(1, 3\) for three"),
        (blind, "padded with changes its logits"),
        (halve, "in half precision already"),
    ],
)
def test_what_the_kernel_could_not_run_is_refused(
    change: Change, message: str, plain: Path, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(FoldshipError, match=message):
        graphs.take(changed(plain, tmp_path, change), tmp_path / "out")


def test_a_quantised_graph_and_no_graph_at_all_are_refused(plain: Path, tmp_path: Path) -> None:
    quantize_dynamic(plain, tmp_path / "int8.onnx", weight_type=QuantType.QInt8)
    (tmp_path / "text.onnx").write_text("no graph")
    (tmp_path / "empty.onnx").write_bytes(b"")
    for name, message in (
        ("int8", "quantised already"),
        ("text", "no ONNX graph"),
        ("empty", "no ONNX graph"),
    ):
        with pytest.raises(FoldshipError, match=message):
            graphs.take(tmp_path / f"{name}.onnx", tmp_path)


def test_the_output_called_logits_is_taken_of_several(plain: Path, tmp_path: Path) -> None:
    def more(graph: onnx.ModelProto) -> None:
        graph.graph.output.append(onnx.ValueInfoProto(name=graph.graph.node[-2].output[0]))

    (tmp_path / "out").mkdir()
    graphs.take(changed(plain, tmp_path, more), tmp_path / "out")
    assert [value.name for value in onnx.load(tmp_path / "out" / adopted.GRAPH).graph.output] == ["pooled"]
