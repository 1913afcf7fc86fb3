import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from affectgpt.errors import RequestError
from affectgpt.training.features.keys import clip_key, fingerprints_of
from affectgpt.training.features.settings import PreparationSettings
from affectgpt.training.recipe import ModelSection
from tests.training.features.made import AUDIO, LANGUAGE_MODEL, VISION, make_settings, with_encoders


def digests(settings: PreparationSettings) -> dict[str, str]:
    return {one.sense: one.digest for one in fingerprints_of(settings)}


def with_model(settings: PreparationSettings, **senses) -> PreparationSettings:
    model = settings.model.model_copy(update=senses)
    return replace(settings, model=model)


def test_a_key_is_of_content_and_span() -> None:
    keys = {clip_key("a", None, None), clip_key("b", None, None), clip_key("a", 1.0, None), clip_key("a", None, 1.0)}
    assert len(keys) == 4
    assert all(len(key) == 64 and int(key, 16) for key in keys)


def test_a_span_from_the_beginning_is_the_same_however_it_is_said() -> None:
    assert clip_key("a", 0.0, 2.0) == clip_key("a", None, 2) == clip_key("a", 0, 2.0)


def test_the_same_settings_give_the_same_fingerprint(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    assert digests(settings) == digests(replace(settings))
    assert set(digests(settings)) == {"vision", "audio"}


def test_the_description_says_it_all(tmp_path: Path) -> None:
    vision, audio = fingerprints_of(make_settings(tmp_path))
    facts = json.loads(vision.description)
    assert (facts["frames"], facts["frame_size"], facts["sense"]) == (4, 32, "vision")
    assert json.loads(audio.description)["longest_s"] == 5.0


@pytest.mark.parametrize(
    ("sense", "section"),
    [
        ("vision", VISION.model_copy(update={"frames": 5})),
        ("vision", VISION.model_copy(update={"dtype": "bfloat16"})),
        ("audio", AUDIO.model_copy(update={"longest_s": 6.0})),
    ],
)
def test_other_settings_of_a_sense_change_its_fingerprint_alone(tmp_path: Path, sense: str, section: object) -> None:
    settings = make_settings(tmp_path)
    before, after = digests(settings), digests(with_model(settings, **{sense: section}))
    assert [name for name in before if before[name] != after[name]] == [sense]


def test_what_only_the_branch_does_changes_nothing(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    other = with_model(settings, vision=VISION.model_copy(update={"queries": 7, "fusion": "mean"}))
    assert digests(settings) == digests(other)


def test_other_preprocessing_changes_the_fingerprint(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    (tmp_path / "other").mkdir()
    other = replace(settings, checkpoint=str(tmp_path / "other"))
    for file in Path(settings.checkpoint).iterdir():
        (tmp_path / "other" / file.name).write_bytes(file.read_bytes())
    assert digests(other) == digests(settings)
    config = tmp_path / "third"
    config.mkdir()
    for file in Path(settings.checkpoint).iterdir():
        (config / file.name).write_text(
            file.read_text().replace('"normalisation": "clip"', '"normalisation": "none"')
        ) if (file.suffix == ".json") else (config / file.name).write_bytes(file.read_bytes())
    third = digests(replace(settings, checkpoint=str(config)))
    assert third["vision"] == digests(settings)["vision"]
    assert third["audio"] != digests(settings)["audio"]


def test_an_encoder_in_a_folder_is_known_by_its_weights(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, with_encoders(tmp_path))
    before = digests(settings)
    moved = tmp_path / "moved"
    (tmp_path / "clip").rename(moved)
    settings = with_model(settings, vision=settings.model.vision.model_copy(update={"encoder": str(moved)}))
    assert digests(settings) == before
    weights = load_file(moved / "model.safetensors")
    name = sorted(weights)[0]
    weights[name] = weights[name] + torch.tensor(1e-3)
    save_file(weights, moved / "model.safetensors", {"format": "pt"})
    after = digests(settings)
    assert after["vision"] != before["vision"]
    assert after["audio"] == before["audio"]


def test_a_missing_encoder_is_named(tmp_path: Path) -> None:
    settings = make_settings(tmp_path)
    gone = with_model(settings, audio=AUDIO.model_copy(update={"encoder": str(tmp_path / "gone")}))
    with pytest.raises(RequestError, match="gone: it cannot be loaded"):
        fingerprints_of(gone)


def test_a_sense_that_the_model_lacks_has_no_fingerprint(tmp_path: Path) -> None:
    deaf = ModelSection(language_model=LANGUAGE_MODEL, vision=VISION, audio=None)
    assert set(digests(make_settings(tmp_path, deaf))) == {"vision"}
