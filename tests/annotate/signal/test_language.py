"""Which lexicon reads a text."""

import pytest

from affectgpt.annotate.signal.language import lexicon_for, primary_subtag


@pytest.mark.parametrize(
    ("text", "tag", "lexicon"),
    [
        ("I am here", "en", "en"),
        ("I am here", "en-GB", "en"),
        ("I am here", None, "en"),
        ("Help!", None, "en"),
        ("bin blue at f two now", None, "en"),
        ("我在这里", "zh-Hans", "zh"),
        ("我在这里", None, "zh"),
        ("我现在在 New York", None, "zh"),
        ("我在这里", "en", "zh"),
        ("I am here", "zh", "en"),
        ("Ich bin hier", "de", None),
        ("Der Lappen liegt auf dem Eisschrank", None, None),
        ("Je ne sais pas", None, None),
        ("Święta są już blisko", None, None),
        ("Это здесь", None, None),
        ("Это здесь", "en", None),
        ("これは本です", None, None),
        ("ここ", "ja", None),
        ("😀", None, "en"),
        ("I am here", "und", "en"),
    ],
)
def test_lexicon_for(text: str, tag: str | None, lexicon: str | None) -> None:
    assert lexicon_for(text, tag) == lexicon


def test_primary_subtag() -> None:
    assert [primary_subtag(tag) for tag in ("de-AT", "ZH_hans", " en ", "und", "", None)] == [
        "de",
        "zh",
        "en",
        "",
        "",
        "",
    ]
