"""What is registered works from where it lies, and a kill in the middle leaves nothing behind."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from indexing.encoders import EncoderShelf, shelf
from indexing.encoders.lineage import write_lineage
from indexing.encoders.minilm import FOLDER
from indexing.errors import AnamnesisError, ConfigurationError, InvalidInput
from tests.onnx_files import field, onnx_model


@pytest.fixture
def adapted(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir()
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copyfile(FOLDER / name, folder / name)
    write_lineage(folder, {"floor": -1.0})
    return folder


def test_what_a_kill_left_is_no_encoder_and_goes_with_the_next(
    adapted: Path, tmp_path: Path
) -> None:
    own, folder = EncoderShelf(tmp_path / "home"), tmp_path / "home" / "encoders"
    left = [folder / name for name in (".draft-7", ".adapted-int8-00000000.7")]
    for each in left:
        each.mkdir(parents=True)
        (each / "model.onnx").write_bytes(b"half")
    assert own.names() == ()
    name = own.register(adapted)
    assert own.names() == (name,)
    assert not any(each.exists() for each in left)
    assert own.register(adapted) == name
    assert sorted(path.name for path in folder.iterdir()) == [".lock", name]
    assert sorted(path.name for path in (folder / name).iterdir()) == sorted(shelf.FILES)


def _garbled(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a model")


def _mute(folder: Path) -> None:
    """A model that loads, and takes no tokens."""
    (folder / "model.onnx").write_bytes(onnx_model(["a"]))


def _outside(folder: Path) -> None:
    """A model whose weights lie in a file beside it, which is not copied."""
    (folder / "w.bin").write_bytes(bytes(4))
    parts = (("location", "w.bin"), ("offset", "0"), ("length", "4"))
    said = b"".join(field(13, field(1, name) + field(2, text)) for name, text in parts)
    weight = field(1, 1) + field(2, 1) + field(8, "w") + said + field(14, 1)
    (folder / "model.onnx").write_bytes(onnx_model(["a"], "Mul", weight=weight))


def _unsaid(folder: Path) -> None:
    (folder / "lineage.json").unlink()


def _wordless(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "fault", "said"),
    [
        (_garbled, ConfigurationError, "does not load"),
        (_mute, ConfigurationError, "does not encode"),
        (_outside, ConfigurationError, "does not load"),
        (_wordless, ConfigurationError, "does not load"),
        (_unsaid, InvalidInput, "no lineage"),
    ],
)
def test_what_does_not_work_by_itself_is_refused(
    adapted: Path, tmp_path: Path, spoil: Callable[[Path], None], fault: type[AnamnesisError],
    said: str,
) -> None:  # fmt: skip
    spoil(adapted)
    own = EncoderShelf(tmp_path / "home")
    with pytest.raises(fault, match=said):
        own.register(adapted)
    assert own.names() == ()
    assert [path.name for path in (tmp_path / "home" / "encoders").iterdir()] == [".lock"]


def test_a_folder_that_is_too_large_is_not_copied(
    adapted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf, "MOST_BYTES", 1000)
    with pytest.raises(InvalidInput, match="more than"):
        EncoderShelf(tmp_path / "home").register(adapted)
