"""Putting text into sentences: cleaning, quoting, shortening, joining, and choosing among phrasings."""

import html
import re
import unicodedata
from collections.abc import Sequence
from hashlib import blake2b
from typing import Final, TypeVar

T = TypeVar("T")

ASSESSED_CHARACTERS: Final = 2_000
"""How much of a text is read; a clip of some seconds holds a few hundred characters at most."""
QUOTED_CHARACTERS: Final = 120

_MARKUP: Final = re.compile(r"</?[a-zA-Z][^<>]{0,200}>|\{\\[^{}]{0,200}\}")
_JOINERS: Final = frozenset("\u200c\u200d")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def clean(text: str) -> str:
    """A text as one line of what can be seen of it: no markup, no control or direction characters, single spaces.

    Only the first ``ASSESSED_CHARACTERS`` are kept, cut between user-perceived characters.
    """
    head = text[: 2 * ASSESSED_CHARACTERS]
    unmarked = _MARKUP.sub("", html.unescape(_MARKUP.sub("", head)))
    visible = "".join(
        character if character in _JOINERS or unicodedata.category(character) not in _INVISIBLE else " "
        for character in unmarked
    )
    return cut(" ".join(visible.split()), ASSESSED_CHARACTERS)


def cut(text: str, limit: int) -> str:
    """At most the first ``limit`` code points, never ending inside a user-perceived character.

    The boundaries are the common part of Unicode Standard Annex 29: combining marks, joiners, variation selectors,
    skin tones and regional indicator pairs stay with what they belong to.
    """
    if len(text) <= limit:
        return text
    at = limit
    while at > 0 and _continues(text, at):
        at -= 1
    return text[:at]


def quote(text: str) -> str:
    """A cleaned text in quotation marks, shortened with an ellipsis where it is long."""
    inner = text.replace("“", "‘").replace("”", "’")
    if len(inner) > QUOTED_CHARACTERS:
        short = cut(inner, QUOTED_CHARACTERS)
        space = short.rfind(" ", QUOTED_CHARACTERS // 2)
        inner = (short[:space] if space > 0 else short).rstrip(" ,;:，；：、") + "…"
    return f"“{inner}”"


def join_en(items: Sequence[str], word: str = "and") -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} {word} {items[-1]}"


def join_zh(items: Sequence[str]) -> str:
    """``甲``, ``甲和乙``, ``甲、乙和丙``."""
    if len(items) < 2:
        return "".join(items)
    return f"{'、'.join(items[:-1])}和{items[-1]}"


def capitalised(sentence: str) -> str:
    """The sentence with its first letter in upper case and the rest as it is."""
    return sentence[:1].upper() + sentence[1:]


def pick(options: Sequence[T], clip_id: str, place: str) -> T:
    """One of several phrasings, the same for the same clip and place in every process."""
    digest = blake2b(f"{place}\0{clip_id}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return options[int.from_bytes(digest, "big") % len(options)]


def _continues(text: str, at: int) -> bool:
    """Whether the character at a place belongs to what precedes it."""
    character, before = text[at], text[at - 1]
    if character == "\u200d" or before == "\u200d" or unicodedata.category(character).startswith("M"):
        return True
    if "\U0001f3fb" <= character <= "\U0001f3ff":
        return True
    if _is_flag_half(character):
        start = at
        while start > 0 and _is_flag_half(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return False


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
