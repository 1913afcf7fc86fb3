"""The textual clue of the signal engine: what the subtitle says, by emotion lexica and the polarity of its wording."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from affectgpt.annotate.sample import Clue, Evidence
from affectgpt.annotate.signal.chinese import read_chinese
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.english import read_english
from affectgpt.annotate.signal.language import LANGUAGE_NAMES, lexicon_for, primary_subtag
from affectgpt.annotate.signal.mentions import Mention
from affectgpt.annotate.signal.wording import clean, join_en, join_zh, quote
from affectgpt.clips.clip import Clip

LEANING_POLARITY: Final = 0.3
"""Magnitude of VADER's compound score from which wording without a named feeling is said to lean to one side."""
_LEANING_SHARE: Final = 0.35
_NAMED: Final = 3
"""How many words a clue names."""
_NOT_FEELINGS: Final = (
    *("please", "yes", "yeah", "ok", "okay", "well", "no", "sure", "help", "want", "like", "kind", "pretty"),
    *("share", "interest", "number", "alone"),
)
"""Words of VADER's lexicon that are courtesy, assent or have a neutral sense more often than not in speech."""


def load_lexica() -> None:
    """Read the lexica, which takes some tens of milliseconds once per process; otherwise the first clue does it."""
    read_english("a")
    read_chinese("一")
    _polarity_analyzer()


def read_mentions(clip: Clip) -> tuple[Mention, ...]:
    """What the words of a clip say about feelings; nothing where there are no words or no lexicon reads them."""
    text = clean(clip.subtitle or "")
    match lexicon_for(text, clip.language):
        case "en":
            return read_english(text)
        case "zh":
            return read_chinese(text)
        case None:
            return ()


def textual_clue(clip: Clip) -> Clue | None:
    """Describe what the words of a clip say; None where it has no subtitle or one without any visible character.

    Its measurements are ``emotion_words_count`` and, for English, ``polarity`` (VADER's compound score in [-1, 1]).
    Text that no lexicon reads is quoted and said not to be assessed; it has no evidence and no measurements.
    """
    text = clean(clip.subtitle or "")
    if not text:
        return None
    lexicon = lexicon_for(text, clip.language)
    if lexicon is None:
        return _not_assessed(text, clip.language)
    mentions = read_english(text) if lexicon == "en" else read_chinese(text)
    measurements = {"emotion_words_count": float(len(mentions))}
    if lexicon == "en":
        measurements["polarity"] = polarity(text)
    evidence = mention_evidence(mentions)
    if not mentions and abs(measurements.get("polarity", 0.0)) >= LEANING_POLARITY:
        return _leaning(text, measurements)
    if not mentions:
        return Clue(
            f"The words {quote(text)} are neutral: nothing in them names or suggests a feeling.",
            f"字幕{quote(text)}用词中性，没有说出或暗示任何感受。",
            measurements=measurements,
        )
    own = [mention for mention in mentions if mention.holder != "other"]
    others = [mention for mention in mentions if mention.holder == "other"]
    text_en = f"The subtitle reads {quote(text)}; {'; '.join([*_own_en(own), *_others_en(others)])}."
    text_zh = f"字幕内容为{quote(text)}，{'；'.join([*_own_zh(own), *_others_zh(others)])}。"
    return Clue(text_en, text_zh, evidence, measurements)


def mention_evidence(mentions: Iterable[Mention]) -> tuple[Evidence, ...]:
    """The evidence of what was found, strongest first; several words for one emotion strengthen each other."""
    found: dict[str, list[tuple[float, Mention]]] = {}
    for mention in mentions:
        if mention.speaks_for is not None:
            emotion, strength = mention.speaks_for
            found.setdefault(emotion, []).append((strength, mention))
    evidence = []
    for emotion, group in found.items():
        weakness = 1.0
        for strength, _ in group:
            weakness *= 1 - strength
        group.sort(key=lambda item: item[0], reverse=True)
        best = _distinct(mention for _, mention in group)[:2]
        # A second word adds to the strongest one, but ten faint words do not make one strong one.
        total = min(1 - weakness, group[0][0] + 0.1 * (len(group) - 1), 1.0)
        evidence.append(Evidence(emotion, total, _because_en(best), _because_zh(best)))
    return tuple(sorted(evidence, key=lambda item: item.strength, reverse=True))


def polarity(text: str) -> float:
    """VADER's compound score of an English text in [-1, 1] (Hutto & Gilbert 2014)."""
    return float(_polarity_analyzer().polarity_scores(text)["compound"])


@cache
def _polarity_analyzer() -> Any:
    analyzer = SentimentIntensityAnalyzer()
    for word in _NOT_FEELINGS:
        analyzer.lexicon.pop(word, None)
    return analyzer


def _not_assessed(text: str, tag: str | None) -> Clue:
    subtag = primary_subtag(tag)
    english, chinese = LANGUAGE_NAMES.get(subtag, (f"the language “{subtag}”", f"语言“{subtag}”"))
    if subtag in ("", "en", "zh"):
        why_en, why_zh = "no lexicon reads their language", "没有适用于该语言的词典"
    else:
        why_en, why_zh = f"there is no lexicon for {english}", f"没有{chinese}词典"
    return Clue(
        f"The words {quote(text)} were not assessed, as {why_en}; nothing is concluded from them.",
        f"字幕内容为{quote(text)}，由于{why_zh}，未对其用词作评估，也不据此下结论。",
    )


def _leaning(text: str, measurements: dict[str, float]) -> Clue:
    compound = measurements["polarity"]
    emotion = "happiness" if compound > 0 else "disgust"
    side_en, side_zh = ("positive", "积极") if compound > 0 else ("negative", "消极")
    because = Evidence(emotion, _LEANING_SHARE * abs(compound), f"the {side_en} wording", f"{side_zh}的措辞")
    return Clue(
        f"The subtitle reads {quote(text)}; no feeling is named, but the wording leans to the {side_en} side.",
        f"字幕内容为{quote(text)}，没有直接说出感受，但措辞偏向{side_zh}。",
        (because,),
        measurements,
    )


def _distinct(mentions: Iterable[Mention]) -> list[Mention]:
    """The mentions without repeated words, each at its first place."""
    first: dict[str, Mention] = {}
    for mention in mentions:
        first.setdefault(mention.words.lower(), mention)
    return list(first.values())


def _grouped(mentions: Sequence[Mention]) -> list[list[Mention]]:
    """The first few mentions, those together that say the same of the same emotion."""
    groups: dict[tuple[str, bool, bool], list[Mention]] = {}
    for mention in _distinct(mentions)[:_NAMED]:
        groups.setdefault((mention.entry.emotion, mention.denied, mention.hedged), []).append(mention)
    return list(groups.values())


def _own_en(mentions: Sequence[Mention]) -> list[str]:
    parts = []
    for group in _grouped(mentions):
        noun = EMOTIONS[group[0].entry.emotion].noun_en
        words = join_en([_word_en(mention) for mention in group])
        plural = len(group) > 1
        if group[0].denied:
            parts.append(f"{words} {'are' if plural else 'is'} denied, so the words do not claim {noun}")
        elif group[0].hedged:
            parts.append(f"{words}, put as a possibility, would speak for {noun}")
        else:
            parts.append(f"{words} {'speak' if plural else 'speaks'} for {noun}")
    return parts


def _own_zh(mentions: Sequence[Mention]) -> list[str]:
    parts = []
    for group in _grouped(mentions):
        noun = EMOTIONS[group[0].entry.emotion].noun_zh
        words = join_zh([_word_zh(mention) for mention in group])
        if group[0].denied:
            parts.append(f"{words}被否定，因此字面上并不表示{noun}")
        elif group[0].hedged:
            parts.append(f"{words}语气并不肯定，若属实则表示{noun}")
        else:
            parts.append(f"{words}表达了{noun}")
    return parts


def _others_en(mentions: Sequence[Mention]) -> list[str]:
    words = [_word_en(mention) for mention in _distinct(mentions)[:_NAMED]]
    return [f"{join_en(words)} {'does' if len(words) == 1 else 'do'} not tell of the speaker"] if words else []


def _others_zh(mentions: Sequence[Mention]) -> list[str]:
    words = [_word_zh(mention) for mention in _distinct(mentions)[:_NAMED]]
    return [f"{join_zh(words)}说的并不是说话人自己"] if words else []


def _word_en(mention: Mention) -> str:
    """The words in quotation marks, with their meaning and their degree where there is one to give."""
    notes = [] if mention.words.isascii() or not mention.entry.gloss else [mention.entry.gloss]
    if mention.degree and not mention.denied:
        notes.append(f"{'softened' if mention.softened else 'strengthened'} by “{mention.degree}”")
    return f"“{mention.words}” ({', '.join(notes)})" if notes else f"“{mention.words}”"


def _word_zh(mention: Mention) -> str:
    notes = [mention.entry.gloss] if mention.words.isascii() and mention.entry.gloss else []
    if mention.degree and not mention.denied:
        notes.append(f"由“{mention.degree}”{'减弱' if mention.softened else '加强'}")
    return f"“{mention.words}”（{'，'.join(notes)}）" if notes else f"“{mention.words}”"


def _because_en(mentions: Sequence[Mention]) -> str:
    """The mentions of one emotion as a noun phrase: the words “hate” and “get out”, the denial of “happy”."""
    words = join_en([f"“{mention.words}”" for mention in mentions])
    if all(mention.denied for mention in mentions):
        return f"the denial of {words}"
    single = len(mentions) == 1 and " " not in mentions[0].words
    return f"the {'word' if single else 'words'} {words}"


def _because_zh(mentions: Sequence[Mention]) -> str:
    words = join_zh([f"“{mention.words}”" for mention in mentions])
    return f"对{words}的否定" if all(mention.denied for mention in mentions) else f"{words}的用词"
