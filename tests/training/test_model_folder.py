"""Models below an output: on the local file system, and on one that is not."""

import json
from pathlib import Path
from typing import Any

import pyarrow.fs as pafs
import pytest
import torch
from fsspec.implementations.local import LocalFileSystem

from affectgpt.clips.local_copies import local_folder
from affectgpt.dataset.ledger import Folder
from affectgpt.model import AffectGPTForConditionalGeneration, AffectGPTProcessor
from affectgpt.training.initial_model import build_initial_model
from affectgpt.training.model_folder import MARKER, copy_model, is_complete, write_model
from tests.training.features.made import SMALL

Built = tuple[AffectGPTForConditionalGeneration, AffectGPTProcessor]


@pytest.fixture(scope="module")
def built() -> Built:
    return build_initial_model(SMALL, ["She sounds calm.", "他听起来很平静。"] * 20, seed=0)


def names(folder: Folder) -> list[str]:
    return [info.base_name for info in folder.files()]


@pytest.mark.parametrize("uri", ["{tmp}/run/model", "mock://models/run/model"])
def test_a_model_is_read_as_it_was_written(tmp_path: Path, built: Built, uri: str) -> None:
    uri = uri.format(tmp=tmp_path)
    folder = Folder.at(uri)
    assert not is_complete(folder)
    folder.write_text("left.txt", "of a run that was killed")
    write_model(*built, folder)
    assert is_complete(folder)
    assert "left.txt" not in names(folder)
    with local_folder(uri) as local:
        model = AffectGPTForConditionalGeneration.from_pretrained(local)
        processor = AffectGPTProcessor.from_pretrained(local)
    expected = built[0].state_dict()
    state = model.state_dict()
    assert state.keys() == expected.keys()
    assert all(torch.equal(state[name], expected[name]) for name in expected)
    assert processor.tokenizer.get_vocab() == built[1].tokenizer.get_vocab()


@pytest.mark.parametrize(("here", "there"), [("{tmp}/a", "mock://models/copy"), ("mock://models/from", "{tmp}/b")])
def test_a_copy_holds_all_files_and_further_texts(tmp_path: Path, here: str, there: str) -> None:
    source, target = (Folder.at(uri.format(tmp=tmp_path)) for uri in (here, there))
    source.write_text("config.json", "{}")
    (source / "additional_chat_templates").write_text("tool.jinja", "{{ messages }}")
    source.write_text(MARKER, "{}")
    target.write_text("old.safetensors", "of another stage")
    copy_model(source, target, {"README.md": "# A model"})
    assert is_complete(target)
    assert names(target) == ["README.md", MARKER, "config.json"]
    assert (target / "additional_chat_templates").read_text("tool.jinja") == "{{ messages }}"
    assert target.read_text("README.md") == "# A model"
    assert is_complete(source)


@pytest.mark.parametrize("uri", ["{tmp}/copy", "mock://models/facts"])
def test_facts_of_a_copy_are_in_its_config_and_stay_there(tmp_path: Path, built: Built, uri: str) -> None:
    source, target = Folder.at(str(tmp_path / "stage")), Folder.at(uri.format(tmp=tmp_path))
    write_model(*built, source)
    copy_model(source, target, {}, {"trained_on": {"fine": "f" * 64}})
    assert is_complete(target)
    with local_folder(uri.format(tmp=tmp_path)) as local:
        model = AffectGPTForConditionalGeneration.from_pretrained(local)
    assert model.config.trained_on == {"fine": "f" * 64}
    model.save_pretrained(tmp_path / "again")
    again = json.loads((tmp_path / "again" / "config.json").read_text())
    assert again["trained_on"] == {"fine": "f" * 64}
    assert "trained_on" not in json.loads(source.read_text("config.json"))
    assert {**json.loads(source.read_text("config.json")), "trained_on": again["trained_on"]} == json.loads(
        target.read_text("config.json")
    )


def test_a_copy_of_what_is_not_whole_is_whole_only_at_its_end(tmp_path: Path) -> None:
    target = Folder.at(str(tmp_path / "target"))
    with pytest.raises(FileNotFoundError):
        copy_model(Folder.at(str(tmp_path / "nowhere")), target, {})
    assert not is_complete(target)


class _Dies(pafs.FSSpecHandler):  # type: ignore[misc]
    """A local file system that is lost before it has deleted anything of a folder."""

    def delete_dir_contents(self, path: str, missing_dir_ok: bool = False) -> None:
        raise OSError(f"lost with {path}")


def test_what_a_kill_leaves_of_an_old_model_is_not_taken_for_a_whole_one(tmp_path: Path, built: Built) -> None:
    old = Folder.at(str(tmp_path))
    dying: Any = Folder(pafs.PyFileSystem(_Dies(LocalFileSystem())), str(tmp_path))
    for write in (lambda: write_model(*built, dying), lambda: copy_model(old / "none", dying, {})):
        old.write_text("config.json", "{}")
        old.write_text(MARKER, "{}")
        with pytest.raises(OSError, match="lost"):
            write()
        assert not is_complete(old)
        assert names(old) == ["config.json"]
