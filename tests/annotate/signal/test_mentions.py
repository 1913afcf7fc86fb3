"""What a mention says of the speaker."""

import pytest

from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.lexicon import Entry
from affectgpt.annotate.signal.mentions import Mention


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_denied_emotion_never_speaks_for_itself(emotion: str) -> None:
    mention = Mention(Entry("word", emotion, 0.8, "a", "词"), "word", 0.8, "speaker", denied=True)
    said = mention.speaks_for
    assert said is None or (said[0] in EMOTIONS and said[0] != emotion and 0 < said[1] < 0.8)
    assert not mention.names_own_state


def test_only_the_speakers_own_named_state_is_a_label() -> None:
    state = Entry("jealous", "anger", 0.5, "a", "嫉妒")
    assert Mention(state, "jealous", 0.5, "speaker").names_own_state
    assert not Mention(state, "jealous", 0.5, "other").names_own_state
    assert not Mention(state, "jealous", 0.5, "thing").names_own_state
    assert not Mention(Entry("hate", "anger", 0.7, "v"), "hate", 0.7, "speaker").names_own_state
