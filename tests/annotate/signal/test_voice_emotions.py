import numpy as np
import pytest

from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.voice_cues import CUES
from affectgpt.annotate.signal.voice_emotions import (
    CUE_TABLES,
    PROTOTYPES,
    SHARES,
    WEIGHTS,
    cue_contributions,
    emotion_strengths,
)
from affectgpt.annotate.signal.voice_wording import CUE_WORDS

USUAL = dict.fromkeys(CUES, 0.0)
WELL_REPORTED = sorted(emotion for emotion, share in SHARES.items() if share >= 0.75)


def strongest(cues: dict[str, float]) -> str:
    strengths = emotion_strengths(cues)
    return max(strengths, key=strengths.__getitem__)


def test_the_tables_speak_of_the_same_emotions_and_cues() -> None:
    reported = {emotion for table in CUE_TABLES.values() for emotion in table.columns}
    assert SHARES.keys() == PROTOTYPES.keys() == reported | {"neutral"}
    assert PROTOTYPES.keys() <= EMOTIONS.keys()
    assert CUES.keys() == WEIGHTS.keys() == CUE_WORDS.keys() == {c for t in CUE_TABLES.values() for c in t.cues}


@pytest.mark.parametrize("name", CUE_TABLES)
def test_every_column_of_a_table_uses_the_steps_of_the_encoding(name: str) -> None:
    table = CUE_TABLES[name]
    for column in table.columns.values():
        assert len(column) == len(table.cues)
        assert {abs(value) for value in column} <= {0, 0.5, 1, 1.5}


def test_a_prototype_is_the_mean_over_the_tables_that_report_it() -> None:
    assert PROTOTYPES["anger"]["pitch"] == pytest.approx((1 + 1.5 + 1 + 1) / 4)
    assert PROTOTYPES["fear"]["range"] == pytest.approx((1.5 + 0.5 - 1) / 3)
    assert PROTOTYPES["disgust"]["pitch"] == -1.5
    assert PROTOTYPES["boredom"]["roughness"] == 0


def test_tables_that_contradict_each_other_cancel() -> None:
    assert PROTOTYPES["anger"]["rise"] == 0
    assert PROTOTYPES["fear"]["brightness"] == 0


def test_weights_and_shares_count_tables() -> None:
    assert (WEIGHTS["pitch"], WEIGHTS["range"], WEIGHTS["roughness"], WEIGHTS["pauses"]) == (1, 0.75, 0.5, 0.25)
    assert (SHARES["sadness"], SHARES["fear"], SHARES["boredom"], SHARES["surprise"]) == (1, 0.75, 0.5, 0.25)


@pytest.mark.parametrize("emotion", ["anger", "happiness", "excitement", "surprise", "fear"])
def test_aroused_voices_are_higher_and_not_duller_or_slower_than_usual(emotion: str) -> None:
    prototype = PROTOTYPES[emotion]
    assert prototype["pitch"] > 0
    assert prototype["range"] > 0
    assert prototype["tempo"] >= 0
    assert prototype["brightness"] >= 0


@pytest.mark.parametrize("emotion", ["sadness", "boredom"])
def test_calm_voices_are_lower_flatter_slower_and_duller_than_usual(emotion: str) -> None:
    assert all(PROTOTYPES[emotion][cue] < 0 for cue in ("pitch", "range", "tempo", "brightness"))


def test_neutral_is_the_usual_voice_and_wins_when_nothing_stands_out() -> None:
    assert not any(PROTOTYPES["neutral"].values())
    assert strongest(USUAL) == "neutral"
    assert strongest(dict.fromkeys(CUES, 0.3)) == "neutral"


@pytest.mark.parametrize("emotion", WELL_REPORTED)
def test_a_voice_at_a_well_reported_prototype_is_heard_as_that_emotion(emotion: str) -> None:
    assert strongest(dict(PROTOTYPES[emotion])) == emotion


@pytest.mark.parametrize("emotion", sorted(PROTOTYPES.keys() - {"neutral"}))
def test_a_voice_at_a_prototype_speaks_for_that_emotion_more_than_a_usual_voice_does(emotion: str) -> None:
    there = emotion_strengths(PROTOTYPES[emotion])
    assert there[emotion] > emotion_strengths(USUAL)[emotion]
    assert there[emotion] > there["neutral"]


def test_strengths_sum_to_one_and_no_cue_leaves_only_the_shares() -> None:
    assert sum(emotion_strengths(USUAL).values()) == pytest.approx(1)
    blank = emotion_strengths({})
    assert sum(blank.values()) == pytest.approx(1)
    assert blank["anger"] == pytest.approx(blank["neutral"])
    assert blank["surprise"] == pytest.approx(blank["neutral"] * SHARES["surprise"])


def test_fewer_cues_are_weaker_evidence() -> None:
    angry = PROTOTYPES["anger"]
    assert emotion_strengths({"pitch": angry["pitch"]})["anger"] < emotion_strengths(angry)["anger"]


def test_contributions_have_the_sign_of_the_agreement() -> None:
    contributions = cue_contributions("sadness", USUAL | {"tempo": -2.0, "brightness": 2.0})
    assert contributions["tempo"] > 0 > contributions["brightness"]
    assert contributions["clarity"] == 0


def test_contributions_add_up_to_the_odds_against_neutral() -> None:
    cues = USUAL | {"pitch": 1.0, "tempo": 0.5}
    strengths = emotion_strengths(cues)
    odds = strengths["anger"] / strengths["neutral"]
    assert sum(cue_contributions("anger", cues).values()) == pytest.approx(float(np.log(odds)))
