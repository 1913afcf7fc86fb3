import pytest

from affectgpt.annotate.signal.voice_cues import voice_cues
from affectgpt.annotate.signal.voice_reference import (
    PITCH_GROUPS,
    REFERENCE_RANGES,
    pitch_group_shares,
    voice_reference,
)


def clip(pitch_st: float, **other: float) -> dict[str, float]:
    usual = {name: reference.centre for name, reference in REFERENCE_RANGES.items()}
    return usual | {"pitch_median_hz": 100 * 2 ** (pitch_st / 12), "pitch_median_st": pitch_st} | other


def test_the_centre_is_the_median_and_an_outlier_does_not_move_it() -> None:
    clips = [clip(4), clip(5), clip(6), clip(7), clip(60)]
    reference = voice_reference(clips)
    assert reference["pitch_median_st.centre"] == 6
    assert reference["clips"] == 5


def test_the_spread_is_the_scaled_median_deviation_within_its_limits() -> None:
    wide = voice_reference([clip(st) for st in (0, 4, 6, 8, 12)])
    assert wide["pitch_median_st.spread"] == pytest.approx(1.4826 * 2)
    same = voice_reference([clip(5)] * 6)
    assert same["pitch_median_st.spread"] == REFERENCE_RANGES["pitch_median_st"].least_spread
    torn = voice_reference([clip(st) for st in (0, 0, 24, 24)])
    assert torn["pitch_median_st.spread"] == REFERENCE_RANGES["pitch_median_st"].spread


def test_clips_without_a_voice_do_not_count() -> None:
    silent = {"duration_s": 1.0, "silent_share": 1.0}
    assert voice_reference([clip(5)] * 4 + [silent])["clips"] == 4
    with pytest.raises(ValueError, match="at least 4 clips with a voice, not 3"):
        voice_reference([clip(5)] * 3 + [silent] * 5)
    with pytest.raises(ValueError, match="not 0"):
        voice_reference([])


def test_a_measurement_that_few_clips_have_is_left_out() -> None:
    without = clip(5)
    del without["jitter_percent"]
    reference = voice_reference([clip(5)] * 3 + [without] * 3)
    assert "jitter_percent.centre" not in reference
    assert "shimmer_percent.centre" in reference
    assert "roughness" not in voice_cues(clip(5), reference)


def test_the_same_voice_deviates_for_one_speaker_and_not_for_another() -> None:
    low, high = voice_reference([clip(2)] * 4), voice_reference([clip(10)] * 4)
    assert voice_cues(clip(10), low)["pitch"] == 3
    assert voice_cues(clip(10), high)["pitch"] == 0


def test_a_voice_at_the_reference_values_deviates_nowhere() -> None:
    usual = {name: reference.centre for name, reference in REFERENCE_RANGES.items()}
    cues = voice_cues(usual, voice_reference([clip(usual["pitch_median_st"])] * 4))
    assert all(value == pytest.approx(0) for value in cues.values())


def test_unknown_speakers_are_placed_by_their_pitch() -> None:
    assert [round(share, 1) for share in pitch_group_shares(1.0)] == [1.0, 0.0, 0.0]
    assert max(range(3), key=pitch_group_shares(12.6).__getitem__) == 1
    assert max(range(3), key=pitch_group_shares(24.0).__getitem__) == 2
    assert sum(pitch_group_shares(8.0)) == pytest.approx(1)


def test_the_pitch_of_an_unknown_speaker_is_usual_at_the_centre_of_a_group_and_high_above_them_all() -> None:
    assert abs(voice_cues(clip(3.0), None)["pitch"]) < 0.3
    assert voice_cues(clip(24.0), None)["pitch"] > 1.2
    assert voice_cues(clip(-3.0), None)["pitch"] < -1.2


def test_the_shares_of_the_groups_sum_to_one() -> None:
    assert sum(group.share for group in PITCH_GROUPS) == pytest.approx(1)
