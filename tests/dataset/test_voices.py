import json
from pathlib import Path

import pyarrow as pa

from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.recipe import load_recipe
from affectgpt.dataset.schema import CLIPS
from affectgpt.dataset.voices import MAX_CLIPS_PER_SPEAKER, measure_rows, with_voices
from tests.dataset import rows
from tests.integration.made import write_clip

RECIPE = load_recipe("laptop")


def work(*speakers: str | None) -> pa.Table:
    clips = [rows.clip(f"{number:03d}", speaker=speaker) for number, speaker in enumerate(speakers)]
    return pa.Table.from_pylist(clips, CLIPS)


def measured(pitch: float, speaker: str = "ann") -> dict[str, str]:
    voice = {"pitch_median_hz": 2 ** (pitch / 12) * 100, "pitch_median_st": pitch, "syllables_per_s": 4.0}
    return {"speaker": speaker, "measurements": json.dumps(voice)}


def test_speakers_of_enough_clips_get_their_usual_voice(tmp_path: Path) -> None:
    asked: list[pa.Table] = []

    def measure(clips: pa.Table, recipe: object) -> list[dict[str, str]]:
        asked.append(clips)
        return [measured(7.0 + number) for number in range(5)]

    found = with_voices(work(*["ann"] * 5, "bob", None), Ledger(Folder.at(str(tmp_path))), RECIPE, measure)
    assert set(asked[0]["speaker"].to_pylist()) == {"ann"}
    voices = found["voice_reference"].to_pylist()
    assert all(json.loads(voice)["pitch_median_st.centre"] == 9.0 for voice in voices[:5])
    assert voices[5:] == [None, None]


def test_a_speaker_is_measured_once(tmp_path: Path) -> None:
    ledger = Ledger(Folder.at(str(tmp_path)))
    first = with_voices(work(*["ann"] * 5), ledger, RECIPE, lambda clips, recipe: [measured(9.0)] * 5)

    def never(clips: pa.Table, recipe: object) -> list[dict[str, str]]:
        raise AssertionError(f"measured again: {clips['speaker'].to_pylist()}")

    again = with_voices(work(*["ann"] * 9), ledger, RECIPE, never)
    assert set(again["voice_reference"].to_pylist()) == set(first["voice_reference"].to_pylist())


def test_talkative_speakers_are_measured_by_some_clips(tmp_path: Path) -> None:
    def measure(clips: pa.Table, recipe: object) -> list[dict[str, str]]:
        assert clips.num_rows == MAX_CLIPS_PER_SPEAKER
        return [measured(9.0)] * clips.num_rows

    with_voices(work(*["ann"] * 100), Ledger(Folder.at(str(tmp_path))), RECIPE, measure)


def test_clips_that_cannot_be_measured_give_no_row(tmp_path: Path) -> None:
    good = rows.clip("good", uri=str(write_clip(tmp_path / "good.mp4")), speaker="ann")
    gone = rows.clip("gone", uri=str(tmp_path / "gone.mp4"), speaker="ann")
    table = measure_rows(pa.Table.from_pylist([good, gone], CLIPS), RECIPE)
    assert table["speaker"].to_pylist() == ["ann"]
    assert "pitch_median_hz" in json.loads(table["measurements"][0].as_py())
