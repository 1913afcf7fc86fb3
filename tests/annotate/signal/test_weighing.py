"""Weighing the clues: order, agreement, contradiction, and every set of modalities."""

import random
from itertools import product

import pytest

from affectgpt.annotate.sample import Clue, Evidence, Sample
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.weighing import MODALITIES, Reading, weigh
from affectgpt.clips.clip import Clip
from affectgpt.errors import ClipError

FACE = {"faces_count": 1.0}
VOICE = {"peak_dbfs": -3.0, "pitch_median_hz": 200.0, "steady_share": 0.0}
SILENCE = {"peak_dbfs": -90.0}
HUM = {"peak_dbfs": -3.0, "pitch_median_hz": 200.0, "steady_share": 0.9}


def clue(measurements: dict[str, float], *evidence: tuple[str, float]) -> Clue:
    found = tuple(Evidence(emotion, strength, f"sign of {emotion}", "迹象") for emotion, strength in evidence)
    return Clue("Something.", "某事。", found, measurements)


def sample(visual: Clue | None = None, acoustic: Clue | None = None, subtitle: str | None = None) -> Sample:
    return Sample(Clip("clip", "clip.mp4", subtitle=subtitle), visual=visual, acoustic=acoustic)


def order(reading: Reading) -> list[str]:
    return [weighed.emotion for weighed in reading.emotions]


def kinds(reading: Reading) -> list[tuple[str, str, str]]:
    return [(relation.first, relation.second, relation.kind) for relation in reading.relations]


@pytest.mark.parametrize(
    "present", [combination for combination in product((False, True), repeat=3) if any(combination)]
)
def test_every_set_of_modalities(present: tuple[bool, bool, bool]) -> None:
    reading = weigh(
        sample(
            clue(FACE, ("happiness", 0.4)) if present[0] else None,
            clue(VOICE, ("happiness", 0.3)) if present[1] else None,
            "I'm glad" if present[2] else None,
        )
    )
    expected = tuple(modality for modality, here in zip(MODALITIES, present, strict=True) if here)
    assert reading.observed == reading.telling == expected
    assert order(reading) == ["happiness"]
    assert reading.emotions[0].clues == expected
    assert {kind for _, _, kind in kinds(reading)} <= {"agree"}
    assert len(reading.relations) == {1: 0, 2: 1, 3: 3}[sum(present)]


@pytest.mark.parametrize(
    ("visual", "acoustic", "subtitle"),
    [
        (None, None, None),
        (clue({"faces_count": 0.0}), None, None),
        (clue({"faces_count": 0.0}), clue(SILENCE), None),
        (None, clue(SILENCE), None),
        (None, clue(HUM), None),
        (None, None, "Das ist ein Haus und das ist nicht rot"),
    ],
)
def test_nothing_to_judge_by(visual: Clue | None, acoustic: Clue | None, subtitle: str | None) -> None:
    with pytest.raises(ClipError) as error:
        weigh(sample(visual, acoustic, subtitle))
    assert error.value.reason == "nothing-to-describe"
    assert "give a subtitle" in error.value.message


@pytest.mark.parametrize(
    ("visual", "acoustic", "subtitle"),
    [
        (clue(FACE), None, None),
        (None, clue(VOICE), None),
        (None, None, "bin blue at f two now"),
        (clue({}), None, None),
    ],
)
def test_something_observed_without_evidence(visual: Clue | None, acoustic: Clue | None, subtitle: str | None) -> None:
    reading = weigh(sample(visual, acoustic, subtitle))
    assert reading.emotions == ()
    assert len(reading.observed) == 1


def test_the_order_of_the_only_clue_is_kept() -> None:
    rng = random.Random(3)
    for _ in range(200):
        emotions = rng.sample(sorted(EMOTIONS), k=rng.randint(1, 6))
        evidence = [(emotion, rng.uniform(0.05, 1)) for emotion in emotions]
        for subtitle in (None, "bin blue at f two now"):
            reading = weigh(sample(clue({"faces_count": 0.0}), clue(VOICE, *evidence), subtitle))
            assert order(reading) == emotions


def test_several_clues_are_ordered_by_joint_strength() -> None:
    reading = weigh(sample(clue(FACE, ("sadness", 0.4)), clue(VOICE, ("boredom", 0.5), ("sadness", 0.4))))
    assert order(reading) == ["sadness", "boredom"]
    assert reading.emotions[0].strength == pytest.approx(1 - 0.6 * 0.6)
    assert reading.emotions[0].clues == ("visual", "acoustic")


def test_cheerful_words_in_a_flat_voice() -> None:
    reading = weigh(sample(acoustic=clue(VOICE, ("boredom", 0.35), ("sadness", 0.2)), subtitle="I'm so happy!"))
    assert reading.overruled
    assert kinds(reading) == [("acoustic", "textual", "contradict")]
    assert order(reading)[0] == "boredom"
    assert "happiness" in order(reading)


def test_a_very_weak_voice_does_not_overrule_the_words() -> None:
    reading = weigh(sample(acoustic=clue(VOICE, ("boredom", 0.1)), subtitle="I'm so happy!"))
    assert not reading.overruled
    assert order(reading)[0] == "happiness"


def test_words_with_the_face_on_their_side_are_not_overruled() -> None:
    reading = weigh(sample(clue(FACE, ("happiness", 0.5)), clue(VOICE, ("anger", 0.5)), "I'm so happy!"))
    assert not reading.overruled
    assert ("visual", "acoustic", "contradict") in kinds(reading)
    assert ("visual", "textual", "agree") in kinds(reading)
    assert order(reading)[0] == "happiness"


def test_close_emotions_agree() -> None:
    reading = weigh(sample(acoustic=clue(VOICE, ("happiness", 0.5)), subtitle="I'm excited"))
    assert kinds(reading) == [("acoustic", "textual", "agree")]
    assert reading.relations[0].shared is None


def test_a_denied_anger_contradicts_an_angry_voice_but_not_a_happy_one() -> None:
    angry = weigh(sample(acoustic=clue(VOICE, ("anger", 0.5)), subtitle="I am not angry"))
    happy = weigh(sample(acoustic=clue(VOICE, ("happiness", 0.5)), subtitle="I am not angry"))
    assert angry.overruled and order(angry)[0] == "anger"
    assert not happy.relations and order(happy)[0] == "happiness"


def test_face_and_voice_outweigh_words_wherever_they_contradict() -> None:
    rng = random.Random(5)
    words = ["I'm so happy!", "I hate you!", "I am terrified", "I'm bored", "I'm so sorry", "谢谢", "我很伤心", "wow"]
    contradicted = 0
    for _ in range(300):
        evidence = [(emotion, rng.uniform(0.05, 0.9)) for emotion in rng.sample(sorted(EMOTIONS), k=2)]
        reading = weigh(sample(acoustic=clue(VOICE, *evidence), subtitle=rng.choice(words)))
        strengths = [weighed.strength for weighed in reading.emotions]
        assert strengths == sorted(strengths, reverse=True)
        assert -1 <= reading.valence <= 1 and -1 <= reading.arousal <= 1
        if reading.overruled:
            contradicted += 1
            assert "acoustic" in reading.emotions[0].clues
    assert contradicted > 30


def test_clues_of_other_engines_are_read_as_text() -> None:
    written = Clue("The woman is smiling and her eyes sparkle; she does not look angry.")
    reading = weigh(sample(visual=written))
    assert order(reading)[0] == "happiness"
    assert "anger" not in order(reading)


def test_own_words_are_kept_with_their_emotion() -> None:
    reading = weigh(sample(subtitle="I'm so relieved"))
    assert [mention.entry.lemma for mention in reading.emotions[0].own_words] == ["relieved"]


def test_valence_and_arousal_follow_the_evidence() -> None:
    reading = weigh(sample(acoustic=clue(VOICE, ("anger", 0.6))))
    assert (reading.valence, reading.arousal) == (EMOTIONS["anger"].valence, EMOTIONS["anger"].arousal)
