"""Cleaning, quoting and shortening without breaking characters; choosing phrasings."""

import unicodedata

import pytest

from affectgpt.annotate.signal.wording import ASSESSED_CHARACTERS, clean, cut, join_en, join_zh, pick, quote


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\nb\tc\r\n d", "a b c d"),
        ("<i>Hello</i> &amp; bye", "Hello & bye"),
        ("{\\an8}Hi", "Hi"),
        ("a\x00b\x1b[31mc", "a b [31mc"),
        ("\u202ea\u200bb\ufeff", "a b"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("\ud800hi", "hi"),
        ("   ", ""),
    ],
)
def test_clean(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_markup_hidden_by_entities_is_removed_too() -> None:
    assert clean("&lt;script&gt;x&lt;/script&gt;") == "x"


def test_clean_keeps_a_bounded_part_that_can_be_encoded() -> None:
    for text in ("x" * 100_000, "<b" * 50_000, "{\\" * 50_000, "&lt;" * 50_000, "\ud800" * 100_000, "\u0301" * 100_000):
        cleaned = clean(text)
        assert len(cleaned) <= ASSESSED_CHARACTERS
        cleaned.encode()


@pytest.mark.parametrize("unit", ["e\u0301", "👩\u200d👩\u200d👧", "🇩🇪", "👍🏽", "❤\ufe0f", "क्षि"])
def test_cut_never_splits_a_character(unit: str) -> None:
    for limit in range(1, 40):
        kept = cut(unit * 20, limit)
        assert len(kept) <= limit
        if unit != "क्षि":
            assert len(kept) % len(unit) == 0
        following = (unit * 20)[len(kept)]
        assert not unicodedata.category(following).startswith("M")


def test_quote_shortens_between_words() -> None:
    quoted = quote("word " * 100)
    assert len(quoted) < 130
    assert quoted.endswith("word…”")
    assert quote("short") == "“short”"
    assert quote("say “no”") == "“say ‘no’”"


def test_lists() -> None:
    assert [join_en(["a"]), join_en(["a", "b"]), join_en(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [join_zh(["甲"]), join_zh(["甲", "乙", "丙"])] == ["甲", "甲、乙和丙"]


def test_pick_is_stable_and_varies() -> None:
    options = ("a", "b", "c")
    assert [pick(options, f"clip-{i}", "x") for i in range(50)] == [pick(options, f"clip-{i}", "x") for i in range(50)]
    assert {pick(options, f"clip-{i}", "x") for i in range(50)} == set(options)
    assert pick(("a", "b"), "clip-1", "x") == "a"
    assert pick(options, "\ud800", "x") in options
