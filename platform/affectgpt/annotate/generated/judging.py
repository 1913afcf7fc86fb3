"""Tells replies that can be used from those that cannot: empty, cut off, declined, caught in a loop, or foreign."""

import re
from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["en", "zh"]

LEAST_REPETITIONS: Final = 4
LEAST_REPEATED_CHARACTERS: Final = 60
LONGEST_PHRASE: Final = 300
"""A loop is a phrase of at most so many characters that fills the end of a text, so often and to such a length."""

MOST_FOREIGN: Final = 0.3
"""Of an English text, the share of letters that may be of another script: a quoted subtitle may be in Chinese."""
LEAST_CHINESE: Final = 0.3
"""Of a Chinese text, the share of letters that are Chinese characters: a quoted word of English has many letters."""

_DECLINED: Final = frozenset({"refusal", "content_filter"})
_HAN: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_LAST_LATIN: Final = "\u024f"

_REFUSALS_EN: Final = re.compile(
    r"(i'm |i am )?(very |so |truly )?(sorry|afraid)\b[^.!?]{0,40}\b(can't|cannot|can not|unable|not able|won't)\b"
    r"|(i|we) (can't|cannot|can not|won't|will not|must decline|have to decline|don't feel comfortable|refuse)\b"
    r"|(i'm|i am|we're|we are) (unable|not able|not allowed|not permitted)\b"
    r"|(i|we) apologi[sz]e\b"
    r"|(unfortunately|regrettably),? (i|we)\b"
    r"|as an (ai|artificial intelligence)\b"
    r"|as a (large )?language model\b"
)
_REFUSALS_ZH: Final = re.compile(
    r"(非常|很|十分|实在)?(抱歉|对不起|不好意思|遗憾)[，,。！!：:]?(我|但|因为|由于|无法|不能|作为)"
    r"|(我|我们)(无法|不能|不便|没有办法|没办法|拒绝)"
    r"|作为(一个|一名|一款)?(人工智能|语言模型|大语言模型|大模型|ai)"
)
_MARKUP: Final = " \n*#>-"
_READ_CHARACTERS: Final = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a reply cannot be used: a reason as in ``ClipError``, and the same for a person, as the end of a sentence."""

    reason: str
    explanation: str


def fault_of(text: str, finish_reason: str, language: Language | None) -> Fault | None:
    """Judge a reply; None where nothing is wrong with it.

    Args:
        text: the reply, cleaned.
        finish_reason: as in ``TextReply``.
        language: the one it has to be in, or None where it is no prose.
    """
    if finish_reason in _DECLINED or is_refusal(text):
        return Fault("generation-refused", "the model declined to answer")
    if is_loop(text):
        return Fault("generation-repeats", "the reply ends in one phrase said again and again")
    if finish_reason != "stop":
        return _unfinished(finish_reason)
    if not _LETTER.search(text):
        return Fault("generation-empty", "the reply holds no words")
    if language is not None and not is_in(text, language):
        name = {"en": "English", "zh": "Chinese"}[language]
        return Fault("generation-wrong-language", f"the reply is not in {name}")
    return None


def _unfinished(finish_reason: str) -> Fault:
    if finish_reason == "length":
        return Fault("generation-truncated", "the reply was cut off before its end")
    return Fault("generation-malformed", f"the reply ended for the reason {finish_reason!r}")


def is_refusal(text: str) -> bool:
    """Whether a text begins as models do that decline, in English or Chinese; what begins with a quotation does not."""
    opening = " ".join(text.lstrip(_MARKUP)[:_READ_CHARACTERS].replace("’", "'").lower().split())
    return bool(_REFUSALS_EN.match(opening) or _REFUSALS_ZH.match(opening))


def is_loop(text: str) -> bool:
    """Whether a text ends in one phrase that is said again and again, whatever precedes it; blanks do not count."""
    line = " ".join(text.split())
    return any(_is_loop_of(line, length) for length in range(1, min(LONGEST_PHRASE, len(line) // 2) + 1))


def _is_loop_of(line: str, length: int) -> bool:
    # The blank after the last repetition may be missing.
    wanted = max(LEAST_REPETITIONS * length - 1, LEAST_REPEATED_CHARACTERS)
    if len(line) < wanted:
        return False
    tail = line[-wanted:]
    return tail[length:] == tail[:-length]


def is_in(text: str, language: Language) -> bool:
    """Whether a text is in a language, as far as its script tells."""
    letters: list[str] = _LETTER.findall(text)
    if language == "zh":
        return len(_HAN.findall(text)) >= LEAST_CHINESE * len(letters)
    foreign = sum(letter > _LAST_LATIN for letter in letters)
    return foreign <= MOST_FOREIGN * len(letters)
