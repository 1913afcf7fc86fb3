import csv
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest

from affectgpt.annotate.sample import Clue, Sample
from affectgpt.annotate.signal.acoustic import AcousticClue, acoustic_clue
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.prosody import measure_voice
from affectgpt.annotate.signal.voice_reference import REFERENCE_RANGES, voice_reference
from affectgpt.annotate.step import StepProvenance
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.media import SAMPLE_RATE, Media
from affectgpt.errors import ClipError

HIGH = {"anger", "fear", "happiness"}
LOW = {"boredom", "sadness", "neutral"}
FAMILY = {"excitement": "happiness", "surprise": "happiness", "anxiety": "fear", "contentment": "neutral"}


def sample(sound: np.ndarray, **known: object) -> Sample:
    frames = np.zeros((0, 2, 2, 3), dtype=np.uint8)
    seconds = len(sound) / SAMPLE_RATE
    media = Media(frames, np.zeros(0), 0, sound.astype(np.float32), seconds, False, len(sound) > 0)
    return Sample(Clip("talk", "/clips/talk.wav"), media, **known)


def annotate(sound: np.ndarray) -> Clue:
    [annotated] = AcousticClue().annotate([sample(sound)])
    assert isinstance(annotated, Sample)
    assert annotated.acoustic is not None
    return annotated.acoustic


def measured(**other: float) -> dict[str, float]:
    """An unremarkable male voice, as far as the wording and the rules look at it."""
    usual = {name: reference.centre for name, reference in REFERENCE_RANGES.items()}
    heard = {"voiced_s": 1.5, "peak_dbfs": -6.0, "pauses": 0.0, "above_floor_db": 40.0, "clipped_share": 0.0}
    own = {"pitch_median_hz": 118.0, "pitch_median_st": 2.9, "steady_share": 0.0, "pause_share": 0.0}
    return usual | heard | own | other


OWN_VOICE = voice_reference([measured()] * 5)


def test_without_sound_there_is_no_clue() -> None:
    [annotated] = AcousticClue().annotate([sample(np.zeros(0))])
    assert isinstance(annotated, Sample)
    assert annotated.acoustic is None


def test_media_is_required() -> None:
    with pytest.raises(AssertionError):
        AcousticClue().annotate([Sample(Clip("talk", "/clips/talk.wav"))])


def test_silence_is_said_and_speaks_for_nothing() -> None:
    clue = annotate(np.full(SAMPLE_RATE, 0.0))
    assert "silent" in clue.text_en
    assert "没有声音" in clue.text_zh
    assert clue.evidence == ()
    assert clue.measurements["silent_share"] == 1


@pytest.mark.parametrize(
    ("sound", "word"),
    [
        (np.random.default_rng(0).normal(0, 0.1, 2 * SAMPLE_RATE), "noise"),
        (0.3 * np.sin(2 * np.pi * 220 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE), "steady tones near 220 Hz"),
        (0.3 * np.eye(1, SAMPLE_RATE, 300)[0], "no voice"),
    ],
)
def test_sound_without_a_voice_is_said_and_speaks_for_nothing(sound: np.ndarray, word: str) -> None:
    clue = annotate(sound)
    assert word in clue.text_en
    assert clue.evidence == ()


def test_broken_sound_is_answered_with_an_error_and_the_rest_of_the_batch_goes_on() -> None:
    broken, fine = AcousticClue().annotate([sample(np.array([np.nan])), sample(np.zeros(SAMPLE_RATE))])
    assert isinstance(broken, ClipError)
    assert broken.reason == "unusable-sound"
    assert "/clips/talk.wav" in broken.message
    assert isinstance(fine, Sample)


def test_the_provenance_names_the_method() -> None:
    assert AcousticClue().provenance() == StepProvenance("signal", "prosody", "1")
    assert AcousticClue.needs_media
    assert AcousticClue.needs_voice_reference


def test_the_usual_voice_is_neutral_and_said_to_be_usual() -> None:
    clue = acoustic_clue(measured(), OWN_VOICE)
    assert clue.evidence[0].emotion == "neutral"
    assert clue.evidence[0].because_en == "the usual pitch, range, tempo and timbre"
    assert "at this speaker's usual pitch (118 Hz)" in clue.text_en


def test_a_raised_voice_is_anger_for_the_reasons_that_were_measured() -> None:
    raised = {"pitch_median_hz": 167.0, "pitch_median_st": 8.9, "pitch_range_st": 12.0, "alpha_ratio_db": -5.0}
    clue = acoustic_clue(measured(**raised, hammarberg_db=12.0, syllables_per_s=5.6), OWN_VOICE)
    assert clue.evidence[0].emotion == "anger"
    assert "bright, effortful energy" in clue.evidence[0].because_en
    assert "音色明亮用力" in clue.evidence[0].because_zh
    assert "much higher than this speaker's usual (167 Hz, +6 semitones)" in clue.text_en
    assert "about 5.6 syllables a second, no pauses" in clue.text_en
    assert "+6个半音" in clue.text_zh


def test_a_slow_soft_low_voice_with_pauses_is_sadness() -> None:
    soft = {"pitch_median_hz": 105.0, "pitch_median_st": 0.9, "pitch_range_st": 4.0, "alpha_ratio_db": -22.0}
    slow = {"hammarberg_db": 33.0, "syllables_per_s": 3.0, "pauses": 2.0, "pause_share": 0.25}
    clue = acoustic_clue(measured(**soft, **slow, level_variation_db=5.0), OWN_VOICE)
    assert clue.evidence[0].emotion == "sadness"
    assert "2 pauses (25 % of the time)" in clue.text_en
    assert "2处停顿（占25%）" in clue.text_zh


def test_evidence_is_ordered_and_within_bounds() -> None:
    for st in (-4.0, 0.0, 4.0, 9.0):
        for rate in (2.0, 4.0, 6.5):
            evidence = acoustic_clue(measured(pitch_median_st=st, syllables_per_s=rate), OWN_VOICE).evidence
            strengths = [found.strength for found in evidence]
            assert strengths == sorted(strengths, reverse=True)
            assert all(0 < strength <= 1 for strength in strengths)
            assert all(found.emotion in EMOTIONS and found.because_en and found.because_zh for found in evidence)


def test_a_short_voice_is_weaker_evidence() -> None:
    long, short = (acoustic_clue(measured(voiced_s=seconds), OWN_VOICE).evidence[0] for seconds in (3.0, 0.3))
    assert short.strength < 0.6 * long.strength


@pytest.mark.parametrize(
    ("hz", "place"),
    [
        (118.0, "at a usual pitch for an adult male voice"),
        (85.0, "low for an adult male voice"),
        (215.0, "at a usual pitch for an adult female voice"),
        (157.0, "between what is usual for an adult"),
        (400.0, "high for a child's voice"),
    ],
)
def test_an_unknown_voice_is_placed_among_reference_ranges(hz: float, place: str) -> None:
    clue = acoustic_clue(measured(pitch_median_hz=hz, pitch_median_st=12 * np.log2(hz / 100)), None)
    assert place in clue.text_en
    assert "speaker is not known" in clue.text_en
    assert "说话人未知" in clue.text_zh


def test_loudness_is_compared_with_the_same_speaker_alone_and_away_from_full_scale() -> None:
    assert "recorded 8 dB louder than usual" in acoustic_clue(measured(level_dbfs=-12.0), OWN_VOICE).text_en
    assert "louder" not in acoustic_clue(measured(level_dbfs=-12.0, peak_dbfs=0.0), OWN_VOICE).text_en
    assert "louder" not in acoustic_clue(measured(level_dbfs=-12.0), None).text_en


def test_noise_and_clipping_are_mentioned_only_where_measured() -> None:
    plain = acoustic_clue(measured(), OWN_VOICE).text_en
    assert "noise" not in plain
    assert "clipped" not in plain
    spoilt = acoustic_clue(measured(above_floor_db=7.0, clipped_share=0.02), OWN_VOICE).text_en
    assert "only 7 dB above the quietest moments" in spoilt
    assert "The recording is clipped." in spoilt


def test_the_loudness_of_the_recording_speaks_for_no_emotion() -> None:
    quiet, loud = (acoustic_clue(measured(level_dbfs=level), OWN_VOICE).evidence for level in (-40.0, -6.0))
    assert quiet == loud


def read_sound(path: Path) -> np.ndarray:
    return decode(Clip(path.stem, str(path)), DecodeSettings()).sound


def test_real_acted_speech_is_told_apart(shared_media: Path) -> None:
    """The words of this corpus carry no emotion, and no rule was fitted on its labels."""
    folder = shared_media / "emodb"
    with (folder / "labels.csv").open(newline="") as table:
        rows = list(csv.DictReader(table))
    voices = [measure_voice(read_sound(folder / row["file"])) for row in rows]
    by_speaker = defaultdict(list)
    for row, voice in zip(rows, voices, strict=True):
        by_speaker[row["speaker"]].append(voice)
    references = {speaker: voice_reference(clips) for speaker, clips in by_speaker.items()}

    right: dict[str, list[bool]] = defaultdict(list)
    aroused: dict[bool, list[bool]] = defaultdict(list)
    texts = Counter()
    for row, voice in zip(rows, voices, strict=True):
        clue = acoustic_clue(voice, references[row["speaker"]])
        texts[clue.text_en] += 1
        first = clue.evidence[0].emotion
        right[row["label"]].append(FAMILY.get(first, first) == row["label"])
        weight = sum(np.copysign(found.strength, EMOTIONS[found.emotion].arousal) for found in clue.evidence)
        if row["label"] in HIGH | LOW:
            aroused[row["label"] in HIGH].append((weight > 0) == (row["label"] in HIGH))
    assert np.mean([np.mean(aroused[high]) for high in (True, False)]) >= 0.75
    assert np.mean([np.mean(hits) for hits in right.values()]) >= 0.35
    assert texts.total() == len(rows) and max(texts.values()) <= 3
