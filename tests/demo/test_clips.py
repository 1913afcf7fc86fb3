"""The demo's folder: every kind of clip is there, and the signal engine sees and hears most of what was acted."""

import csv
import filecmp
from pathlib import Path

import numpy as np
import pytest

from affectgpt.annotate.sample import Clue, Sample
from affectgpt.annotate.signal.acoustic import acoustic_clue
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.prosody import measure_voice
from affectgpt.annotate.signal.visual import VisualClue
from affectgpt.annotate.signal.voice_reference import voice_reference
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.media import Media
from affectgpt.demo.clips import CAST, FEWEST, make_clips, plan
from affectgpt.errors import ClipError, RequestError

Row = dict[str, str]


def rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clips(tmp_path_factory.mktemp("demo") / "clips").parent


@pytest.fixture(scope="module")
def manifest(folder: Path) -> dict[str, Row]:
    return {row["clip_id"]: row for row in rows(folder / "manifest.csv")}


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, str]:
    return {row["clip_id"]: row["emotion"] for row in rows(folder / "truth.csv")}


@pytest.fixture(scope="module")
def media(folder: Path, manifest: dict[str, Row], truth: dict[str, str]) -> dict[str, Media]:
    return {name: decode(Clip(name, str(folder / manifest[name]["uri"])), DecodeSettings()) for name in truth}


def test_the_manifest_names_every_file(folder: Path, manifest: dict[str, Row]) -> None:
    assert len(manifest) == 48
    named = {row["uri"] for row in manifest.values()}
    assert {path.name for path in folder.iterdir()} - named == {"manifest.csv", "truth.csv", "clip-003.srt"}
    assert {row["language"] for row in manifest.values()} == {"en", "zh", ""}
    assert {row["speaker"] for row in manifest.values()} == {*(person.name for person in CAST), ""}


def test_every_kind_of_clip_is_there(media: dict[str, Media], manifest: dict[str, Row]) -> None:
    kinds = [(clip.has_video, clip.has_audio) for clip in media.values()]
    assert kinds.count((True, True)) > 30
    assert kinds.count((True, False)) == 3
    assert kinds.count((False, True)) == 3
    assert sum(not row["subtitle"] for row in manifest.values()) == 4 + 2 + 1
    for name, clip in media.items():
        assert 2.0 < clip.duration_s < 4.1, name
        assert clip.frames_got == (8 if clip.has_video else 0), name


def test_the_broken_files_are_broken(folder: Path) -> None:
    for name in ("cut-short.mp4", "notes.mp4"):
        with pytest.raises(ClipError):
            decode(Clip(name, str(folder / name)), DecodeSettings())
    assert filecmp.cmp(folder / "copy.mp4", folder / "clip-000.mp4", shallow=False)


def test_every_person_acts_calm_and_excited_and_some_words_contradict_the_voice() -> None:
    scenes = plan(45, 0)
    for person in CAST:
        arousals = [EMOTIONS[scene.emotion].arousal for scene in scenes if scene.person is person]
        assert min(arousals) < 0 < max(arousals)
    assert len({(scene.person.name, scene.emotion) for scene in scenes}) > 20
    assert {scene.emotion for scene in scenes} <= EMOTIONS.keys()
    flat = [scene for scene in scenes if scene.emotion in ("neutral", "boredom")]
    assert any("love" in scene.text or "开心" in scene.text or "happy" in scene.text for scene in flat)


def test_the_visual_clue_finds_the_drawn_faces(media: dict[str, Media], truth: dict[str, str]) -> None:
    step = VisualClue()
    step.set_up()
    clues: dict[str, Clue] = {}
    for name, clip in media.items():
        [sample] = step.annotate([Sample(Clip(name, name), clip)])
        assert isinstance(sample, Sample)
        if sample.visual is not None:
            clues[name] = sample.visual
    assert clues.keys() == {name for name, clip in media.items() if clip.has_video}
    seen = [clue.measurements.get("face_view_share", 0.0) for clue in clues.values()]
    assert np.mean(np.array(seen) >= 0.75) >= 0.9
    assert max(clue.measurements["faces_count"] for clue in clues.values()) == 1
    smiling = {truth[name] for name, clue in clues.items() if "smile" in clue.text_en}
    assert smiling == {"happiness"}


def test_the_acoustic_clue_hears_who_is_aroused(
    media: dict[str, Media], truth: dict[str, str], manifest: dict[str, Row]
) -> None:
    measured = {name: measure_voice(clip.sound) for name, clip in media.items() if clip.has_audio}
    speakers = {name: manifest[name]["speaker"] for name in measured}
    usual = {
        speaker: voice_reference([measured[name] for name in measured if speakers[name] == speaker])
        for speaker in set(speakers.values())
    }
    heard: dict[bool, list[bool]] = {True: [], False: []}
    for name, voice in measured.items():
        evidence = acoustic_clue(voice, usual[speakers[name]]).evidence
        arousal = sum(one.strength * EMOTIONS[one.emotion].arousal for one in evidence)
        heard[EMOTIONS[truth[name]].arousal > 0].append(arousal > 0)
    assert (np.mean(heard[True]) + 1 - np.mean(heard[False])) / 2 > 0.8


def test_a_seed_gives_the_same_bytes_and_another_seed_other_clips(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_clips(tmp_path / name, FEWEST, seed)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert filecmp.cmpfiles(tmp_path / "a", tmp_path / "b", files, shallow=False) == (files, [], [])
    same, _, _ = filecmp.cmpfiles(tmp_path / "a", tmp_path / "c", files, shallow=False)
    assert not [name for name in same if name.startswith("clip") and not name.endswith(".srt")]


def test_too_few_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="at least 16"):
        make_clips(tmp_path / "demo", FEWEST - 1)
    assert not (tmp_path / "demo").exists()
