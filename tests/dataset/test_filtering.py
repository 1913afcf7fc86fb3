"""Filters applied to tables whose scores are known."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from affectgpt.annotate.quality.fingerprint import FINGERPRINT_BYTES
from affectgpt.dataset.filtering import FILTERED, MEASURED, apply_filters
from affectgpt.dataset.filters import FiltersSection


def clip(name: str, fingerprint: bytes | None = None, **scores: float) -> dict[str, Any]:
    return {"work_id": f"work {name}", "clip_id": name, "scores": list(scores.items()), "fingerprint": fingerprint}


def table(*clips: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(clips), MEASURED)


def left_out(measured: pa.Table, **filters: Any) -> dict[str, str]:
    """The filter that each clip fails which is left out."""
    found = apply_filters(measured, FiltersSection.model_validate(filters))
    assert found.schema == FILTERED
    return {row["work_id"].removeprefix("work "): row["filter"] for row in found.to_pylist()}


def fingerprints(count: int, seed: int = 0) -> list[bytes]:
    return [row.tobytes() for row in np.random.default_rng(seed).integers(0, 256, (count, FINGERPRINT_BYTES), np.uint8)]


def nearly(fingerprint: bytes) -> bytes:
    """The same fingerprint but for three bits of the picture and three of the sound."""
    changed = bytearray(fingerprint)
    for at in (0, 9, 18, 33, 42, 60):
        changed[at] ^= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("settings", "measure", "fails", "passes", "reason", "said"),
    [
        ({"emotionless": {}}, "emotion_words", 0.0, 1.0, "emotionless", "names 0 emotions, fewer than 1"),
        (
            {"clue_disagreement": {}},
            "clue_agreement",
            -0.75,
            -0.5,
            "clue-disagreement",
            "by -0.75 (of -1 to 1), less than -0.5",
        ),
        ({"no_face": {}}, "face_in_view", 0.125, 0.3, "no-face", "in 0.125 of the frames, less than 0.3"),
        ({"not_the_speaker": {}}, "mouth_movement", 0.01, 0.03, "not-the-speaker", "moves by 0.01, less than 0.03"),
        ({"unsure_subtitle": {}}, "subtitle_confidence", 0.25, 0.5, "unsure-subtitle", "by 0.25 (of 1), less than 0.5"),
        (
            {"description_length": {"shortest_share": 0, "longest_share": 0, "fewest_words": 20}},
            *("description_words", 19.0, 20.0, "short-description", "has 19 words; the shortest that stay have 20"),
        ),
        (
            {"description_length": {"shortest_share": 0, "longest_share": 0, "most_words": 90}},
            *("description_words", 91.0, 90.0, "long-description", "has 91 words; the longest that stay have 90"),
        ),
    ],
)
def test_a_clip_beyond_a_threshold_is_left_out_and_told_why(
    settings: dict[str, Any], measure: str, fails: float, passes: float, reason: str, said: str
) -> None:
    measured = table(clip("bad", **{measure: fails}), clip("good", **{measure: passes}), clip("not measured"))
    [row] = apply_filters(measured, FiltersSection.model_validate(settings)).to_pylist()
    assert (row["work_id"], row["filter"], row["score"]) == ("work bad", reason, fails)
    assert said in row["message"]


def test_without_filters_nothing_is_left_out() -> None:
    twin = fingerprints(1)[0]
    assert left_out(table(clip("a", twin, emotion_words=0.0), clip("b", twin, face_in_view=0.0))) == {}


def test_both_tails_of_the_length_are_left_out() -> None:
    measured = table(*(clip(f"{words:03d}", description_words=float(words)) for words in range(100)))
    assert left_out(measured, description_length={"shortest_share": 0.02, "longest_share": 0.03}) == {
        **dict.fromkeys(["000", "001"], "short-description"),
        **dict.fromkeys(["097", "098", "099"], "long-description"),
    }


def test_of_equally_long_descriptions_none_is_singled_out() -> None:
    measured = table(*(clip(str(number), description_words=50.0) for number in range(40)))
    assert left_out(measured, description_length={}) == {}


def test_shares_are_of_the_clips_that_have_a_description() -> None:
    described = [clip(f"{words:03d}", description_words=float(words)) for words in range(20)]
    others = [clip(f"other {number}") for number in range(80)]
    assert left_out(table(*described, *others), description_length={}) == {
        "000": "short-description",
        "019": "long-description",
    }


def test_the_first_filter_in_the_recipes_order_is_named() -> None:
    measured = table(clip("bad", emotion_words=0.0, face_in_view=0.0, mouth_movement=0.0))
    assert left_out(measured, not_the_speaker={}, no_face={}, emotionless={}) == {"bad": "emotionless"}
    assert left_out(measured, not_the_speaker={}, no_face={}) == {"bad": "no-face"}


def test_of_near_duplicates_the_first_by_name_stays() -> None:
    one, other = fingerprints(2)
    measured = table(clip("c", nearly(one)), clip("other", other), clip("b", nearly(one)), clip("a", one), clip("none"))
    rows = apply_filters(measured, FiltersSection.model_validate({"near_duplicate": {}})).to_pylist()
    assert [row["work_id"] for row in rows] == ["work b", "work c"]
    assert {row["filter"] for row in rows} == {"near-duplicate"}
    assert all("it nearly equals a, which stays: they differ by 0.0" in row["message"] for row in rows)
    assert left_out(measured, near_duplicate={"most_difference": 0.001}) == {"c": "near-duplicate"}


def test_what_another_filter_leaves_out_takes_no_duplicate_with_it() -> None:
    [one] = fingerprints(1)
    measured = table(clip("a", one, emotion_words=0.0), clip("b", nearly(one), emotion_words=3.0))
    assert left_out(measured, emotionless={}, near_duplicate={}) == {"a": "emotionless"}


def test_the_order_of_the_rows_and_of_the_chunks_makes_no_difference() -> None:
    rng = np.random.default_rng(0)
    prints = fingerprints(300)
    clips = [
        clip(
            f"{number:03d}", each, description_words=float(rng.integers(40, 400)), emotion_words=float(rng.integers(9))
        )
        for number, each in enumerate([*prints, *map(nearly, prints[:50])])
    ]
    filters = FiltersSection.model_validate({"description_length": {}, "emotionless": {}, "near_duplicate": {}})
    found = apply_filters(table(*clips), filters)
    assert set(found["filter"].to_pylist()) >= {"short-description", "emotionless", "near-duplicate"}
    shuffled = [clips[place] for place in rng.permutation(len(clips))]
    chunked = pa.concat_tables([table(*shuffled[:7]), table(*shuffled[7:200]), table(*shuffled[200:])])
    assert apply_filters(chunked, filters).equals(found)


@pytest.mark.parametrize("clips", [(), (clip("a"),)])
def test_tables_with_nothing_to_judge_lose_nothing(clips: tuple[dict[str, Any], ...]) -> None:
    assert left_out(table(*clips), **{name: {} for name in FiltersSection.model_fields}) == {}


def test_many_clips_are_filtered_at_once() -> None:
    count = 20_000
    rng = np.random.default_rng(0)
    prints = rng.integers(0, 256, (count, FINGERPRINT_BYTES), np.uint8)
    prints[-20:] = prints[:20]
    offsets, names = pa.array(np.arange(count + 1), pa.int32()), pa.array(["description_words"] * count)
    measured = pa.table(
        {
            "work_id": [str(number) for number in range(count)],
            "clip_id": [f"{number:06d}" for number in range(count)],
            "scores": pa.MapArray.from_arrays(offsets, names, pa.array(rng.permutation(count).astype(np.float64))),
            "fingerprint": [row.tobytes() for row in prints],
        }
    )
    found = list(left_out(measured, description_length={"shortest_share": 0.01}, near_duplicate={}).values())
    assert found.count("short-description") == 200
    assert found.count("long-description") == 1_000
    assert 15 <= found.count("near-duplicate") <= 20
