import pytest

from affectgpt.evaluation.extraction.english import read_english


def found(text: str) -> list[tuple[str, str]]:
    return [(mention.word.base, mention.standing) for mention in read_english(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He is angry.", [("angry", "held")]),
        ("He may be sad.", [("sad", "held")]),
        ("She seems to feel a bit of anxiety.", [("anxious", "held")]),
        ("He is not angry.", [("angry", "denied")]),
        ("He isn't angry at all.", [("angry", "denied")]),
        ("There is no sign of fear or anxiety in her voice.", [("fearful", "denied"), ("anxious", "denied")]),
        ("Without fear and anger he speaks.", [("fearful", "denied"), ("angry", "denied")]),
        ("He is not angry, but sad.", [("angry", "denied"), ("sad", "held")]),
        ("He is not angry; he is sad.", [("angry", "denied"), ("sad", "held")]),
        ("Instead of joy there is grief.", [("joyful", "denied"), ("grieving", "held")]),
        ("She is neither happy nor sad, just bored.", [("happy", "denied"), ("sad", "denied"), ("bored", "held")]),
        ("The man is not only angry but also disappointed.", [("angry", "held"), ("disappointed", "held")]),
        ("He cannot hide his joy.", [("joyful", "held")]),
        ("He didn't hide his joy.", [("joyful", "held")]),
        ("There is no sadness, anger, or fear.", [("sad", "denied"), ("angry", "denied"), ("fearful", "denied")]),
        ("He is not sad, angry, or afraid.", [("sad", "denied"), ("angry", "denied"), ("afraid", "denied")]),
        ("He does not look angry, and she is happy.", [("angry", "denied"), ("happy", "held")]),
        ("He does not look angry and she is happy.", [("angry", "denied"), ("happy", "held")]),
        ("Not smiling, she looks sad.", [("sad", "held")]),
        ("The lack of joy indicates sadness.", [("joyful", "denied"), ("sad", "held")]),
        ("Nobody is angry.", [("angry", "denied")]),
        ("There is no sign of fear, and she may be sad.", [("fearful", "denied"), ("sad", "held")]),
        ("She doesn't seem angry anymore and is relieved.", [("angry", "denied"), ("relieved", "held")]),
        ("He could not contain his anger.", [("angry", "held")]),
        ("She is less angry than disappointed.", [("angry", "denied"), ("disappointed", "held")]),
        ("He is amused rather than angry.", [("amused", "held"), ("angry", "denied")]),
        ("Anger is not present.", [("angry", "denied")]),
        ("Her sadness is absent.", [("sad", "denied")]),
        ("Her sadness is not hidden.", [("sad", "held")]),
    ],
)
def test_denials_and_possibilities(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The other person's anger is loud, and she looks worried.", [("angry", "of another"), ("worried", "held")]),
        ("She looks at the other person with anger.", [("angry", "held")]),
        ("She is dissatisfied with the other person.", [("dissatisfied", "held")]),
        ("She makes the other person happy.", [("happy", "of another")]),
        ("He angrily tells the others angrily to leave.", [("angry", "held"), ("angry", "held")]),
        ("His mother is furious, and he is ashamed.", [("furious", "of another"), ("ashamed", "held")]),
        ("The audience was amused.", [("amused", "of another")]),
    ],
)
def test_whose_emotion_it_is(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_what_a_sign_means_as_a_rule_is_not_what_the_speaker_feels() -> None:
    text = "A raised brow usually indicates surprise. Here he seems calm."
    assert found(text) == [("surprised", "in general"), ("calm", "held")]


@pytest.mark.parametrize(
    "quote", ['"I am so happy"', "“I am so happy”", "«I am so happy»", "'I'm so happy'", "‘I’m so happy’"]
)
def test_what_is_said_is_not_what_is_described(quote: str) -> None:
    assert found(f"He says {quote}, yet his voice sounds sad.") == [("happy", "quoted"), ("sad", "held")]


def test_words_that_mostly_mean_something_else_do_not_count() -> None:
    assert found("With his mouth open he asks a question, still and close to the door, like before.") == []


def test_the_places_are_those_of_the_text() -> None:
    text = "Her VOICE is Trembling with fear; she’s not fed up."
    assert [text[mention.start : mention.end] for mention in read_english(text)] == ["fear", "fed up"]


def test_a_long_sentence_is_soon_done() -> None:
    assert len(read_english("happy " * 30_000)) == 30_000
    assert len(read_english("no happy, and he said " * 10_000)) == 10_000


@pytest.mark.parametrize("text", ["", " ", "...", '"', "not", "he is not", "\n\n", "'"])
def test_scraps(text: str) -> None:
    assert read_english(text) == []
