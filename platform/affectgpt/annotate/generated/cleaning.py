"""Takes out of a model's reply what no text should hold, and what is not part of the answer."""

import re
import unicodedata
from typing import Final

_KEPT_CONTROLS: Final = frozenset("\n\t")
_REMOVED: Final = frozenset({"Cc", "Cs"})
_REPLACEMENT: Final = "\ufffd"
_LINE_ENDS: Final = re.compile(r"\r\n?|[\x85\u2028\u2029]")
_REASONING: Final = re.compile(r"\s*<think>.*?</think>", re.DOTALL)
_FENCE: Final = re.compile(r"```[a-z]*\n(.*?)\n?```", re.DOTALL)


def cleaned(reply: str) -> str:
    """Return the answer in a reply as text that every file and table can hold, without blanks around it.

    NUL and other control characters, lone surrogates and U+FFFD are removed; lines end in a line feed. Reasoning
    that precedes the answer in ``<think>`` is no part of it.
    """
    lines = _LINE_ENDS.sub("\n", reply)
    kept = "".join(character for character in lines if _is_kept(character))
    return _REASONING.sub("", kept, count=1).strip() if kept.lstrip().startswith("<think>") else kept.strip()


def one_line(text: str) -> str:
    """Return a text on one line, with single spaces."""
    return " ".join(text.split())


def without_fence(text: str) -> str:
    """Return what is inside the code fence that surrounds a text, or the text where there is none."""
    fenced = _FENCE.fullmatch(text)
    return fenced[1] if fenced else text


def _is_kept(character: str) -> bool:
    if character in _KEPT_CONTROLS:
        return True
    return character != _REPLACEMENT and unicodedata.category(character) not in _REMOVED
