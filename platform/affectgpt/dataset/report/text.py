"""Numbers and foreign text as a person reads them."""

import math
from dataclasses import dataclass
from datetime import datetime

DASH = "—"
# A subtitle may be of any length: the page keeps this many characters of a text, the data holds all of it.
LONGEST_TEXT = 10_000

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNPRINTABLE = (
    {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n\r"}
    | {0x7F: 0x2421}
    | dict.fromkeys(range(0x80, 0xA0), _REPLACEMENT)
    | dict.fromkeys(range(0xD800, 0xE000), _REPLACEMENT)
)


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A text cut to what fits the place it is shown in.

    Attributes:
        head: the beginning, or the whole text where it is short enough.
        full: as much of the text as the page keeps, or None where ``head`` is all of it.
        length: how many characters the text really has.
    """

    head: str
    full: str | None
    length: int

    @property
    def is_whole(self) -> bool:
        """Whether the page holds the whole text."""
        return self.length <= LONGEST_TEXT


def excerpt(text: str, limit: int) -> Excerpt:
    """Cut a text after ``limit`` characters, at a space where one is near."""
    if len(text) <= limit:
        return Excerpt(text, None, len(text))
    head = text[:limit]
    last_space = head.rfind(" ", limit - 30)
    return Excerpt(head[:last_space] if last_space > 0 else head, text[:LONGEST_TEXT], len(text))


def printable(text: str) -> str:
    """Show control characters by their pictures (U+2400 and on), and what no page can hold by U+FFFD."""
    return text.translate(_UNPRINTABLE)


def words(name: str) -> str:
    """Turn an identifier into words: ``visual_clue`` into ``visual clue``."""
    return name.replace("_", " ")


def count(value: int | None) -> str:
    """Write a number of things, with commas between the thousands."""
    return DASH if value is None else f"{int(value):,}"


def number(value: float | None) -> str:
    """Write a number with about two significant digits and without an exponent."""
    if value is None or not math.isfinite(value):
        return DASH
    if abs(value) >= 10:
        return f"{value:,.0f}"
    return f"{value:.2g}" if 0 < abs(value) < 1 else f"{value:.1f}"


def percent(share: float | None) -> str:
    """Write a share in [0, 1] in percent."""
    if share is None or not math.isfinite(share):
        return DASH
    return "< 1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def duration(seconds: float | None) -> str:
    """Write a time in seconds in the units that suit its length."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    if seconds < 59.5:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes} min"


def moment(iso_time: str) -> str:
    """Write an ISO 8601 time for a person: ``3 May 2026, 14:05 UTC``."""
    time = datetime.fromisoformat(iso_time)
    return f"{time.day} {time:%B %Y, %H:%M %Z}".rstrip()
