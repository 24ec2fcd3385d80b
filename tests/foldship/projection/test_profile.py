from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from foldship.projection import profile
from foldship.projection.profile import Profile
from foldship_kernel.errors import FoldshipError


@pytest.mark.parametrize("name", ["t4x2", "l4", "cpu"])
def test_profiles_come_along_and_every_figure_names_its_source(name: str, tmp_path: Path) -> None:
    found = profile.find(name, tmp_path)
    assert found.measured is None
    assert found.at_worst().flops_per_s.value < found.flops_per_s.value
    assert found.at_worst().start_s.value > found.start_s.value


def test_the_published_speed_of_a_t4_is_projected_as_published(tmp_path: Path) -> None:
    """BERT-base in fp16 on one T4: 98,000 to 127,000 tokens a second."""
    from foldship_kernel import flops

    t4 = profile.find("t4x2", tmp_path)
    per_token = flops.per_token(layers=12, width=768, intermediate=3072, length=128)
    assert per_token == pytest.approx(12 * (24 * 768**2 + 4 * 768 * 128))
    assert 98_000 < t4.flops_per_s.value / per_token < 127_000 * t4.flops_per_s.factor
    assert t4.devices == 2


def test_a_users_own_profile_is_found_first(tmp_path: Path, machine: Profile) -> None:
    (tmp_path / "t4x2.yaml").write_text(yaml.safe_dump(machine.model_dump(mode="json")))
    assert profile.find("t4x2", tmp_path) == machine


def test_an_unknown_profile_names_those_there_are(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(FoldshipError, match="no profile 'k80'") as error:
        profile.find("k80", tmp_path)
    assert error.value.expected == "one of: cpu, l4, local, mine, t4, t4x2"
    assert "make calibrate" in error.value.fix


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"devices": 0}, r"devices: .*greater than or equal to 1 \(found 0\)"),
        ({"flops_per_s": {"value": "quick"}}, r"flops_per_s\.value: .*\(found 'quick'\)"),
        ({"flops_per_s": {"factor": 0.5}}, r"flops_per_s\.factor: .*\(found 0\.5\)"),
        ({"start_s": {"source": ""}}, r"start_s\.source"),
        ({"start_s": {"date": "soon"}}, r"start_s\.date: .*\(found 'soon'\)"),
        ({"speed": 3}, r"speed: there is no such key \(found 3\)"),
    ],
)
def test_a_malformed_profile_is_refused_with_path_and_value(
    tmp_path: Path, machine: Profile, changes: dict[str, object], message: str
) -> None:
    value = machine.model_dump(mode="json")
    for key, change in changes.items():
        value[key] = {**value[key], **change} if isinstance(change, dict) else change
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(value))
    with pytest.raises(FoldshipError, match=message) as error:
        profile.find("mine", tmp_path)
    assert str(tmp_path / "mine.yaml") in error.value.what and error.value.fix


@pytest.mark.parametrize(
    ("content", "message"), [(b"a: [", "no valid YAML"), (b"", "cannot be used"), (b"\xff", "cannot be read")]
)
def test_what_is_no_profile_at_all_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(FoldshipError, match=message):
        profile.read(tmp_path / "x.yaml")
    with pytest.raises(FoldshipError, match="cannot be read"):
        profile.read(tmp_path / "missing.yaml")
