from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from foldship_kernel.retrieval import arrays


@pytest.mark.parametrize("kind", sorted(arrays.KINDS))
@pytest.mark.parametrize("shape", [(3, 4), (5,), (0,), (0, 7)])
def test_an_array_is_read_back(tmp_path: Path, kind: str, shape: tuple[int, ...]) -> None:
    array = (np.arange(np.prod(shape)) % 100).reshape(shape).astype(kind)
    described = arrays.write(tmp_path / "a.bin", array)
    found = arrays.read(tmp_path / "a.bin", described)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype and found.shape == array.shape


def test_other_orders_in_memory_make_no_difference(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.int32).reshape(3, 4)
    described = arrays.write(tmp_path / "a.bin", np.asfortranarray(array))
    np.testing.assert_array_equal(arrays.read(tmp_path / "a.bin", described), array)


def test_what_does_not_fit_its_description(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    described = arrays.write(path, np.arange(4, dtype=np.int64))
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match="31 bytes instead of 32"):
        arrays.read(path, described)
    with pytest.raises(ValueError, match="kind 'O8'"):
        arrays.read(path, ["O8", [4]])
    with pytest.raises(TypeError, match="object"):
        arrays.write(path, np.array([{}], dtype=object))
