"""Lists of emotion labels as released files write them: text that looks like a list, in one of many ways."""

import json
import re
import unicodedata

_SEPARATORS = re.compile(r"""['",，、；]""")
# An apostrophe between two letters, as in can't and d'accord, belongs to the word.
_SEPARATORS_BETWEEN_WORDS = re.compile(r"""[",，、；;|\r\n]|(?<![^\W\d_])'|'(?![^\W\d_])""")
_BRACKETS = re.compile(r"[\[\]]")
_CLOSING_OF = {"(": ")", "{": "}"}
_ESCAPES = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")


def split_labels(text: str, split_apostrophes: bool = False) -> list[str]:
    r"""Split the text of a list into its labels, in their order, repeated ones kept.

    It may be a list as Python, NumPy or JSON prints it (``['a', 'b']``, ``['a' 'b']``, ``["a", "\u60b2"]``), one
    without quotes (``[a, b]``) or without brackets (``a, b``). As in MERTools, by which figures are published
    (https://github.com/zeroQiaoba/MERTools), one bracket at either end is taken off, the rest is split at ``'``, ``"``
    and ``,``, and blanks and empty labels are dropped. Beyond that ``，``, ``、`` and ``；`` split too, and a list of
    lists gives the labels of all of them. Tuples and sets (``('a', 'b')``, ``{'a', 'b'}``) and what is written with
    ``;``, ``|`` or line breaks are lists as well, but not to MERTools.

    Args:
        text: what looks like a list.
        split_apostrophes: keep to MERTools, which splits at an apostrophe between two letters (``don't`` gives ``don``
            and ``t``): groupings that were stored by it know such pieces alone.
    """
    plain = _unescaped(text.strip())
    if not split_apostrophes:
        plain = _without_parentheses(plain)
    if plain.startswith("[") and plain[1:].lstrip().startswith("["):
        return [label for group in split_groups(plain, split_apostrophes) for label in group]
    return _split(plain.removeprefix("[").removesuffix("]"), split_apostrophes)


def split_groups(text: str, split_apostrophes: bool = False) -> list[list[str]]:
    """Split the text of a list of lists, ``[['a', 'b'], ['c']]``, into its groups; empty ones are dropped.

    What stands together between two brackets is a group, so that a text that was cut off keeps the groups it has.
    """
    groups = (_split(piece, split_apostrophes) for piece in _BRACKETS.split(_unescaped(text)))
    return [group for group in groups if group]


def clean_label(label: str) -> str:
    """Bring a label to the form in which labels are compared: NFKC, lower case, single blanks inside, none around."""
    return " ".join(unicodedata.normalize("NFKC", label).lower().split())


def _without_parentheses(text: str) -> str:
    """Take off a pair of ``()`` or ``{}`` that holds the whole text."""
    closing = _CLOSING_OF.get(text[:1])
    if closing is None or not text.endswith(closing):
        return text
    depth = 0
    for character in text[:-1]:
        depth += (character == text[0]) - (character == closing)
        if depth == 0:
            return text
    return text[1:-1].strip()


def _split(text: str, split_apostrophes: bool) -> list[str]:
    separators = _SEPARATORS if split_apostrophes else _SEPARATORS_BETWEEN_WORDS
    return [label for piece in separators.split(text) if (label := piece.strip())]


def _unescaped(text: str) -> str:
    """Decode the escapes that JSON writes for other than ASCII characters; halves of such a character stay escaped."""
    if "\\u" not in text:
        return text
    return _ESCAPES.sub(_character_of, text)


def _character_of(escape: re.Match[str]) -> str:
    characters = str(json.loads(f'"{escape[0]}"'))
    return escape[0] if any("\ud800" <= character <= "\udfff" for character in characters) else characters
