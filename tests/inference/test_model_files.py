import json
from pathlib import Path

import pytest

from affectgpt.errors import RequestError
from affectgpt.inference.model_files import check_model, is_hub_name, local_source

FILES = ("config.json", "processor_config.json", "tokenizer.json", "model.safetensors")


def model_folder(folder: Path, without: str = "", model_type: str = "affectgpt") -> Path:
    folder.mkdir(parents=True)
    for name in FILES:
        if name != without:
            (folder / name).write_text(json.dumps({"model_type": model_type}))
    return folder


def test_a_whole_model_is_taken(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    check_model(str(folder))
    check_model(folder.as_uri())
    with local_source(folder.as_uri()) as source:
        assert source == str(folder)


def test_weights_may_be_sharded(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model", without="model.safetensors")
    (folder / "model.safetensors.index.json").write_text("{}")
    check_model(str(folder))


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    folder = model_folder(tmp_path / "model", without=name)
    with pytest.raises(RequestError, match=f"lacks {name}"):
        check_model(str(folder))


def test_the_output_of_a_run_leads_to_its_model(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "run" / "model")
    with pytest.raises(RequestError, match=f"did you mean {folder}"):
        check_model(str(tmp_path / "run"))


def test_what_is_no_model_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="of the type qwen3"):
        check_model(str(model_folder(tmp_path / "other", model_type="qwen3")))
    broken = model_folder(tmp_path / "broken")
    (broken / "config.json").write_text("{")
    with pytest.raises(RequestError, match=r"config\.json is not readable"):
        check_model(str(broken))
    with pytest.raises(RequestError, match="no such folder"):
        check_model(str(tmp_path / "nowhere"))
    with pytest.raises(RequestError, match="no such folder"):
        check_model(str(broken / "config.json"))
    with pytest.raises(RequestError, match="model: nosuchstore"):
        check_model("nosuchstore://bucket/model")


def test_names_on_the_hub_are_told_from_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_hub_name("someone/affectgpt-7b")
    model_folder(tmp_path / "runs" / "model")
    assert not any(is_hub_name(path) for path in ("runs/model", "./model", "../model", "/a/b", "s3://a/b", "model"))
    with local_source("someone/affectgpt-7b") as source:
        assert source == "someone/affectgpt-7b"


def test_a_misspelt_folder_is_no_name_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    with pytest.raises(RequestError, match="model runs/modle: the folder runs is there, and holds no modle"):
        check_model("runs/modle")
