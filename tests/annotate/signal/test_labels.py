"""Open-vocabulary labels: their words, order, number and grounds."""

import random

import pytest

from affectgpt.annotate.sample import Clue, Evidence, Label, Sample
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.labels import FAINT, MOST_LABELS, STRONG, Labels
from affectgpt.clips.clip import Clip
from affectgpt.errors import ClipError

VOICE = {"peak_dbfs": -3.0, "pitch_median_hz": 200.0}


def voice(*evidence: tuple[str, float]) -> Clue:
    return Clue("A voice.", "声音。", tuple(Evidence(e, s, "a sign", "迹象") for e, s in evidence), VOICE)


def labels(acoustic: Clue | None = None, subtitle: str | None = None, visual: Clue | None = None) -> tuple[Label, ...]:
    sample = Sample(Clip("clip", "u", subtitle=subtitle), acoustic=acoustic, visual=visual)
    (answer,) = Labels().annotate([sample])
    assert isinstance(answer, Sample), answer
    return answer.labels


def names(*args: object, **kwargs: object) -> list[str]:
    return [label.name for label in labels(*args, **kwargs)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("strength", "word"),
    [(FAINT - 0.05, "irritated"), (FAINT, "angry"), (STRONG - 0.05, "angry"), (STRONG, "furious"), (1.0, "furious")],
)
def test_the_word_follows_the_strength(strength: float, word: str) -> None:
    assert labels(voice(("anger", strength))) == (Label(word, ("acoustic",)),)


def test_the_first_emotion_of_a_lone_voice_gives_the_first_label() -> None:
    rng = random.Random(11)
    for _ in range(200):
        emotions = rng.sample(sorted(EMOTIONS), k=rng.randint(1, 4))
        found = labels(
            voice(*((emotion, rng.uniform(0.08, 0.9)) for emotion in emotions)), rng.choice([None, "at f two"])
        )
        first = EMOTIONS[emotions[0]]
        assert found[0].name in (first.faint_en, first.plain_en, first.strong_en)
        assert 1 <= len(found) <= MOST_LABELS
        assert len({label.name for label in found}) == len(found)
        assert all(label.clues == ("acoustic",) for label in found)


def test_much_weaker_emotions_get_no_label() -> None:
    assert names(voice(("anger", 0.6), ("boredom", 0.1))) == ["angry"]
    assert names(voice(("anger", 0.3), ("boredom", 0.28))) == ["angry", "bored"]


def test_the_speakers_own_words_are_labels() -> None:
    assert labels(subtitle="I'm so relieved, thank you.") == (
        Label("relieved", ("textual",)),
        Label("grateful", ("textual",)),
    )
    assert names(subtitle="I am jealous") == ["jealous"]
    assert names(subtitle="我真的很委屈") == ["aggrieved"]


def test_own_words_follow_the_word_of_an_emotion_that_other_clues_share() -> None:
    assert labels(voice(("contentment", 0.3)), "I'm relieved") == (
        Label("satisfied", ("acoustic", "textual")),
        Label("relieved", ("textual",)),
    )


@pytest.mark.parametrize("subtitle", ["He is jealous", "Are you relieved?", "I am not jealous"])
def test_what_is_said_of_others_or_denied_is_no_label(subtitle: str) -> None:
    assert names(subtitle=subtitle)[0] in ("neutral", "calm")
    assert len(names(subtitle=subtitle)) == 1


def test_something_observed_without_evidence_is_neutral() -> None:
    assert labels(voice()) == (Label("neutral", ("acoustic",)),)
    assert labels(subtitle="bin blue at f two now") == (Label("neutral", ("textual",)),)


def test_there_are_never_more_than_six() -> None:
    subtitle = "I am sad, lonely, heartbroken, hurt, gloomy, upset, miserable, disappointed and unhappy"
    assert len(names(subtitle=subtitle)) == MOST_LABELS


def test_a_batch_answers_one_by_one() -> None:
    empty = Sample(Clip("empty", "u"))
    full = Sample(Clip("full", "u", subtitle="I am sad"))
    first, second, third = Labels().annotate([full, empty, full])
    assert isinstance(first, Sample) and isinstance(third, Sample)
    assert isinstance(second, ClipError) and second.reason == "nothing-to-describe"
    assert Labels().annotate([]) == []


def test_provenance() -> None:
    provenance = Labels().provenance()
    assert (provenance.engine, provenance.revision, provenance.prompt_sha256) == ("signal", "1", None)
