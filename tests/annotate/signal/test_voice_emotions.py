import pytest

from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.voice_cues import CUES
from affectgpt.annotate.signal.voice_emotions import (
    PROTOTYPES,
    SHARES,
    WEIGHTS,
    cue_contributions,
    emotion_strengths,
)
from affectgpt.annotate.signal.voice_wording import CUE_WORDS

USUAL = dict.fromkeys(CUES, 0.0)


def strongest(cues: dict[str, float]) -> str:
    strengths = emotion_strengths(cues)
    return max(strengths, key=strengths.__getitem__)


def test_the_tables_speak_of_the_same_emotions_and_cues() -> None:
    assert PROTOTYPES.keys() <= EMOTIONS.keys()
    assert SHARES.keys() <= PROTOTYPES.keys()
    assert CUES.keys() == WEIGHTS.keys() == CUE_WORDS.keys()
    assert {cue for prototype in PROTOTYPES.values() for cue in prototype} <= CUES.keys()


def test_neutral_wins_when_nothing_stands_out() -> None:
    assert strongest(USUAL) == "neutral"
    assert strongest(dict.fromkeys(CUES, 0.3)) == "neutral"


@pytest.mark.parametrize("emotion", sorted(PROTOTYPES.keys() - SHARES.keys()))
def test_a_voice_at_a_prototype_is_heard_as_that_emotion(emotion: str) -> None:
    assert strongest(USUAL | dict(PROTOTYPES[emotion])) == emotion


@pytest.mark.parametrize("emotion", sorted(PROTOTYPES.keys() - {"neutral"}))
def test_a_pronounced_prototype_is_heard_as_that_emotion_and_more_strongly(emotion: str) -> None:
    plain = USUAL | dict(PROTOTYPES[emotion])
    pronounced = USUAL | {cue: 1.7 * value for cue, value in PROTOTYPES[emotion].items()}
    assert emotion_strengths(pronounced)[emotion] > emotion_strengths(plain)[emotion]


def test_strengths_sum_to_one_and_no_cue_leaves_only_the_shares() -> None:
    assert sum(emotion_strengths(USUAL).values()) == pytest.approx(1)
    blank = emotion_strengths({})
    assert blank["anger"] == pytest.approx(blank["neutral"])
    assert blank["surprise"] == pytest.approx(blank["neutral"] * SHARES["surprise"])


def test_fewer_cues_are_weaker_evidence() -> None:
    angry = dict(PROTOTYPES["anger"])
    assert emotion_strengths({"pitch": angry["pitch"]})["anger"] < emotion_strengths(USUAL | angry)["anger"]


def test_contributions_have_the_sign_of_the_agreement() -> None:
    contributions = cue_contributions("sadness", USUAL | {"tempo": -2.0, "brightness": 2.0})
    assert contributions["tempo"] > 0 > contributions["brightness"]
    assert contributions["clarity"] == 0
