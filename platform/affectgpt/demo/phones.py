"""From written text to a rough sequence of speech sounds.

The reading is only good enough to give a made voice the rhythm of the sentence: vowels where the text has vowels,
hisses and bursts where it has consonants, pauses at its punctuation. Chinese characters become syllables of a
consonant and a vowel that are always the same for a character, but not its reading.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phone:
    """One speech sound.

    Attributes:
        formants: the three lowest resonances of the vocal tract of an adult man, in Hz.
        seconds: how long it lasts at the usual rate.
        voicing: loudness of the tone of the vocal folds, 0 to 1.
        hiss: loudness of the noise made in the mouth, 0 to 1.
        hiss_hz: where that noise is loudest.
        stressed: whether the pitch rises on it.
    """

    formants: tuple[float, float, float]
    seconds: float
    voicing: float
    hiss: float = 0.0
    hiss_hz: float = 3000.0
    stressed: bool = False


NEUTRAL_TRACT = (500.0, 1500.0, 2500.0)

_VOWELS = {
    "i": (270.0, 2290.0, 3010.0),
    "I": (390.0, 1990.0, 2550.0),
    "E": (530.0, 1840.0, 2480.0),
    "A": (660.0, 1720.0, 2410.0),
    "a": (730.0, 1090.0, 2440.0),
    "O": (570.0, 840.0, 2410.0),
    "U": (440.0, 1020.0, 2240.0),
    "u": (300.0, 870.0, 2240.0),
    "V": (640.0, 1190.0, 2390.0),
    "3": (490.0, 1350.0, 1690.0),
}
"""Formants of men: G. E. Peterson & H. L. Barney, "Control methods used in a study of the vowels" (1952)."""

_SILENCE = Phone(NEUTRAL_TRACT, 0.045, 0.0)
_CONSONANTS: dict[str, tuple[Phone, ...]] = {
    "p": (_SILENCE, Phone((400.0, 1100.0, 2150.0), 0.03, 0.0, 0.25, 900.0)),
    "t": (_SILENCE, Phone((400.0, 1600.0, 2600.0), 0.03, 0.0, 0.35, 4000.0)),
    "k": (_SILENCE, Phone((300.0, 1990.0, 2850.0), 0.035, 0.0, 0.35, 1900.0)),
    "b": (Phone((200.0, 1100.0, 2150.0), 0.05, 0.2, 0.05, 900.0),),
    "d": (Phone((200.0, 1600.0, 2600.0), 0.05, 0.2, 0.08, 3500.0),),
    "g": (Phone((200.0, 1990.0, 2850.0), 0.05, 0.2, 0.08, 1900.0),),
    "f": (Phone((340.0, 1100.0, 2080.0), 0.08, 0.0, 0.12, 4500.0),),
    "s": (Phone((320.0, 1390.0, 2530.0), 0.09, 0.0, 0.35, 5500.0),),
    "S": (Phone((300.0, 1840.0, 2750.0), 0.09, 0.0, 0.4, 2800.0),),
    "h": (Phone(NEUTRAL_TRACT, 0.05, 0.1, 0.15, 1500.0),),
    "v": (Phone((220.0, 1100.0, 2080.0), 0.06, 0.35, 0.06, 4500.0),),
    "z": (Phone((240.0, 1390.0, 2530.0), 0.07, 0.3, 0.2, 5500.0),),
    "m": (Phone((250.0, 1100.0, 2200.0), 0.06, 0.4),),
    "n": (Phone((250.0, 1500.0, 2500.0), 0.06, 0.4),),
    "l": (Phone((330.0, 1050.0, 2880.0), 0.06, 0.55),),
    "r": (Phone((330.0, 1060.0, 1500.0), 0.06, 0.55),),
    "w": (Phone((290.0, 610.0, 2150.0), 0.06, 0.55),),
    "j": (Phone((260.0, 2070.0, 3020.0), 0.05, 0.55),),
}
"""Resonances after the tables of D. H. Klatt, "Software for a cascade/parallel formant synthesizer" (1980)."""

_ENGLISH: dict[str, str] = {
    **{"ough": "O", "igh": "aI", "eau": "O", "tch": "tS", "dge": "dz"},
    **{"ee": "i", "ea": "i", "ie": "i", "oo": "u", "ew": "u", "ou": "aU", "ow": "aU", "ai": "EI", "ay": "EI"},
    **{"ey": "EI", "oi": "OI", "oy": "OI", "au": "O", "aw": "O", "er": "3", "ir": "3", "ur": "3"},
    **{"sh": "S", "ch": "tS", "th": "f", "ph": "f", "ck": "k", "ng": "n", "qu": "kw", "wh": "w", "kn": "n", "wr": "r"},
    **{"a": "A", "e": "E", "i": "I", "o": "a", "u": "V", "c": "k", "j": "dz", "q": "k", "x": "ks", "y": "i"},
}
"""What English spellings are read as; other letters stand for themselves, and longer spellings win."""
_SPELLING = re.compile("|".join(sorted(_ENGLISH, key=len, reverse=True)) + "|[a-z]")
_TOKEN = re.compile(r"[a-z']+|[\u4e00-\u9fff]|[,;:，；：、—]|[.!?。！？…]")
_PAUSES = ",;:，；：、—"
_INITIALS = ("p", "t", "k", "f", "s", "S", "h", "m", "n", "l", "j", "w", "d", "b")
_FINALS = ("a", "i", "u", "E", "O", "aI", "aU", "EI", "an", "In", "On", "3")


def phones(text: str, pause_s: float) -> Iterator[Phone]:
    """Read a text.

    Args:
        text: English words and Chinese characters in any mixture; anything else is passed over.
        pause_s: how long a pause at a comma lasts, in seconds; between sentences it is twice as long.
    """
    tokens: list[str] = _TOKEN.findall(text.lower())
    for place, token in enumerate(tokens):
        if token in _PAUSES:
            yield Phone(NEUTRAL_TRACT, pause_s, 0.0)
        elif not token[0].isalpha():
            if place < len(tokens) - 1:
                yield Phone(NEUTRAL_TRACT, 2 * pause_s, 0.0)
        elif token[0] >= "\u4e00":
            yield from _spoken(_syllable(token), stressed=ord(token) % 3 == 0, vowel_s=0.13)
        else:
            yield from _spoken(_read(token.replace("'", "")), stressed=len(token) > 3, vowel_s=0.11)


def _read(word: str) -> str:
    """The sounds of an English word: doubled letters are one, and a final e is silent but in "table"."""
    word = re.sub(r"([b-df-hj-np-tv-z])\1", r"\1", word)
    word = re.sub(r"([bcdfgkptz])le$", r"\1el", word)
    if len(word) > 3 and word.endswith("e") and word[-2] not in "aeiou":
        word = word[:-1]
    return "".join(_ENGLISH.get(spelling, spelling) for spelling in _SPELLING.findall(word))


def _syllable(character: str) -> str:
    """A syllable that is always the same for a Chinese character."""
    code = ord(character)
    return _INITIALS[code % len(_INITIALS)] + _FINALS[code // len(_INITIALS) % len(_FINALS)]


def _spoken(sounds: str, *, stressed: bool, vowel_s: float) -> Iterator[Phone]:
    """The phones of one word; only its first vowel carries the stress, and a stressed vowel is longer."""
    for place, sound in enumerate(sounds):
        if sound not in _VOWELS:
            yield from _CONSONANTS[sound]
            continue
        glide = place > 0 and sounds[place - 1] in _VOWELS
        yield Phone(_VOWELS[sound], (0.6 if glide else 1.25 if stressed else 0.9) * vowel_s, 1.0, stressed=stressed)
        stressed = stressed and glide
