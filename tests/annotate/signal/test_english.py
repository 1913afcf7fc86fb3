"""English text: negation, degree, hedges, emphasis, and whose feeling it is."""

import pytest

from affectgpt.annotate.signal.english import read_english
from affectgpt.annotate.signal.mentions import Mention


def only(text: str) -> Mention:
    mentions = read_english(text)
    assert len(mentions) == 1, [mention.words for mention in mentions]
    return mentions[0]


@pytest.mark.parametrize(
    ("text", "emotion"),
    [
        ("I am angry", "anger"),
        ("I'm fed up with this", "anger"),
        ("I can't stand it", "anger"),
        ("I can’t wait", "excitement"),
        ("Oh no", "sadness"),
        ("That's disgusting", "disgust"),
        ("I wept all night", "sadness"),
        ("No way!", "surprise"),
        ("I do not understand.", "confusion"),
        ("It was my fault.", "guilt"),
        ("Thank you", "gratitude"),
        ("She looks at me and I am sooooo bored", "boredom"),
        ("😡", "anger"),
    ],
)
def test_words_and_phrases_speak_for_their_emotion(text: str, emotion: str) -> None:
    mention = only(text)
    assert mention.speaks_for is not None
    assert mention.speaks_for[0] == emotion


@pytest.mark.parametrize(
    "text",
    [
        "I am not angry",
        "I'm not really angry",
        "I'm never angry",
        "I don't think I'm angry",
        "I am hardly angry",
        "I am far from angry",
        "I'm anything but angry",
        "I was not even a little bit angry",
        "I wasn't angry",
        "Without being angry, I left",
    ],
)
def test_denied_anger_is_no_anger(text: str) -> None:
    mention = only(text)
    assert mention.denied
    assert mention.speaks_for is None or mention.speaks_for[0] == "neutral"


@pytest.mark.parametrize("text", ["not happy at all", "I am not very happy", "I'm not happy", "I don't feel happy"])
def test_denied_happiness_speaks_for_the_opposite(text: str) -> None:
    mention = only(text)
    assert mention.speaks_for is not None
    emotion, strength = mention.speaks_for
    assert emotion == "sadness"
    assert strength < 0.7


@pytest.mark.parametrize(
    "text",
    [
        "I didn't sleep, I'm angry",
        "I did not know why I am angry because of him",
        "Isn't it wonderful?",
        "I do not care but I am angry",
        "I don't sleep and I am angry",
        "I am not only angry",
        "No, I am angry",
    ],
)
def test_negation_ends_with_its_clause(text: str) -> None:
    assert not read_english(text)[-1].denied


def test_two_negators_leave_a_weak_claim() -> None:
    mention = only("I'm never not happy")
    assert not mention.denied
    assert mention.strength < only("I'm happy").strength


def test_degree_words_order_the_strength() -> None:
    texts = ["Maybe I'm a bit sad", "I'm a bit sad", "I'm sad", "I'm very sad!"]
    strengths = [only(text).strength for text in texts]
    assert strengths == sorted(strengths)
    assert len(set(strengths)) == len(strengths)
    assert [only(text).softened for text in texts] == [True, True, False, False]


@pytest.mark.parametrize("text", ["Perhaps I'm sad", "I might be sad", "I guess I'm sad", "If I were sad", "I was sad"])
def test_hedges_conditions_and_the_past_weaken(text: str) -> None:
    assert only(text).strength < only("I'm sad").strength


def test_emphasis_strengthens_within_bounds() -> None:
    plain, marked, loud = (only(text).strength for text in ("I hate it", "I hate it!!!", "I HATE it!!!"))
    assert plain < marked < loud <= 1
    assert only("I am so extremely overjoyed!!!!!!!!!").strength <= 1


@pytest.mark.parametrize(
    ("text", "holder"),
    [
        ("He is furious", "other"),
        ("Are you angry?", "other"),
        ("My mother hates it", "other"),
        ("Don't cry", "other"),
        ("Stop crying", "other"),
        ("I scared him", "other"),
        ("His anger", "other"),
        ("You scared me", "speaker"),
        ("You make me angry", "speaker"),
        ("He frightens me", "speaker"),
        ("Love it!", "speaker"),
        ("So relieved!", "speaker"),
        ("You are wonderful", "speaker"),
        ("It's sad", "thing"),
    ],
)
def test_whose_feeling_it_is(text: str, holder: str) -> None:
    assert only(text).holder == holder


def test_the_feelings_of_others_say_nothing_of_the_speaker() -> None:
    assert only("He is furious").speaks_for is None
    assert not only("He is furious").names_own_state
    assert only("I am furious").names_own_state


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bin blue at f two now",
        "lay red by x nine please",
        "place green with p six again",
        "Good morning, the meeting is at eleven o'clock.",
        "Kids are talking by the door",
        "I used to live in New York.",
        "You'd better sign here, as good as it gets",
    ],
)
def test_ordinary_sentences_name_no_feeling(text: str) -> None:
    assert read_english(text) == ()


def test_reading_is_linear() -> None:
    short, long = (len(read_english("I am not so very happy and sad " * count)) for count in (10, 1000))
    assert long == 100 * short
