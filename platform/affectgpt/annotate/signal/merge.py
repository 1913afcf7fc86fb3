"""The merge step of the signal engine: clues and subtitle become one description in English."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from affectgpt.annotate.sample import Clue, Evidence, Sample
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.labels import label_words
from affectgpt.annotate.signal.textual import load_lexica, textual_clue
from affectgpt.annotate.signal.weighing import MODALITIES, Finding, Modality, Reading, Relation, weigh
from affectgpt.annotate.signal.wording import capitalised, join_en, pick
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.errors import ClipError

LONGEST_CLUE: Final = 200
"""Characters of a clue's text from which no further sentence of it enters the description."""

_SENTENCE_BREAK: Final = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
_LOWERED: Final = frozenset(
    ("A", "An", "The", "One", "Two", "Three", "Four", "Five", "Many", "No", "There", "It", "This", "She", "He", "They")
)
_NAMES: Final = {"visual": "the picture", "acoustic": "the voice", "textual": "the words"}
_SOURCES: Final = {"visual": " (picture)", "acoustic": " (voice)", "textual": ""}
_LEADS: Final[dict[Modality, tuple[str, ...]]] = {
    "visual": ("In the picture: ", "What the frames show: ", "To the eye: "),
    "acoustic": ("", "In the sound: ", "To the ear: "),
}
_ABSENT: Final = {
    "visual": ("no picture", "no face"),
    "acoustic": ("no sound", "no voice"),
    "textual": ("no subtitle", "no assessable subtitle"),
}
"""What to say of a modality without a clue, and of one whose clue shows nothing to judge by."""
_OPENINGS: Final = ("Taken together", "All in all", "On the whole", "Weighing it all")
_LONE_OPENINGS: Final = ("On {} alone", "As far as {} can tell", "Judged by {} alone")


class Merge(Step):
    """Reads the words, weighs them with the other clues, and writes the description."""

    name: ClassVar[str] = "merge"

    def set_up(self) -> None:
        """Read the lexica."""
        load_lexica()

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample | ClipError]:
        """Add the textual clue and the English description to each sample that has something to judge by."""
        return [self._annotate_one(sample) for sample in samples]

    def provenance(self) -> StepProvenance:
        """Name the method."""
        return StepProvenance(engine="signal", model="lexica-and-weighing", revision="1")

    def _annotate_one(self, sample: Sample) -> Sample | ClipError:
        merged = replace(sample, textual=textual_clue(sample.clip))
        try:
            reading = weigh(merged)
        except ClipError as error:
            return error
        return replace(merged, description_en=describe_english(merged, reading))


def describe_english(sample: Sample, reading: Reading) -> str:
    """Write the description: each clue, what is missing, how the clues stand to each other, and the conclusion.

    Args:
        sample: a sample with its textual clue.
        reading: the same sample as ``weigh`` reads it.
    """
    clip_id = sample.clip.clip_id
    sentences = [
        _observation(sample.visual, reading.finding("visual"), clip_id),
        _observation(sample.acoustic, reading.finding("acoustic"), clip_id),
        sample.textual.text_en if sample.textual is not None else "",
        _missing(reading, clip_id),
        _relations(reading, clip_id),
        _conclusion(reading, clip_id),
    ]
    return " ".join(sentence for sentence in sentences if sentence)


def hint_emotions(finding: Finding) -> tuple[str, ...]:
    """The one or two emotions that a finding speaks for most: the second only where it is nearly as strong."""
    first, *others = sorted(finding.evidence, key=lambda item: item.strength, reverse=True)
    second = [item.emotion for item in others[:1] if item.strength >= 0.6 * first.strength]
    return (first.emotion, *second)


def supporting_evidence(reading: Reading, emotion: str) -> tuple[tuple[Modality, Evidence], ...]:
    """The evidence for an emotion, by modality."""
    return tuple(
        (finding.modality, item) for finding in reading.findings for item in finding.evidence if item.emotion == emotion
    )


def sides(reading: Reading, relation: Relation) -> tuple[tuple[Modality, ...], tuple[Modality, ...]]:
    """The two sides of a contradiction: each of its modalities with those that agree with it and not with the other."""
    agreeing = [{other.first, other.second} for other in reading.relations if other.kind == "agree"]
    ends: tuple[Modality, Modality] = (relation.first, relation.second)
    joined = [{m for m in MODALITIES if m == end or {m, end} in agreeing} for end in ends]
    both = joined[0] & joined[1]
    first, second = (tuple(m for m in MODALITIES if m in side - both) for side in joined)
    return first, second


def prevailing_side(reading: Reading, first: Sequence[Modality], second: Sequence[Modality]) -> int:
    """Which side the main emotion rests on: 0 or 1."""
    clues = reading.emotions[0].clues
    return int(sum(m in clues for m in second) > sum(m in clues for m in first))


def _observation(clue: Clue | None, finding: Finding | None, clip_id: str) -> str:
    """What the picture or the voice shows, and what it hints at, as one sentence."""
    if clue is None or finding is None:
        return ""
    first, *others = leading_sentences(clue.text_en)
    text = "; ".join([first, *map(_lowered, others)])
    lead = pick(_LEADS[finding.modality], clip_id, f"lead-{finding.modality}")
    if text.lower().startswith(("in the ", "the video", "the audio", "the sound", "there is ")):
        lead = ""
    said = lead + (_lowered(text) if lead else capitalised(text))
    return f"{said}{_hint(finding, clip_id)}."


def leading_sentences(text: str) -> list[str]:
    """The first sentences of a clue, without full stops: as many as ``LONGEST_CLUE`` allows, at least one."""
    kept: list[str] = []
    for sentence in _SENTENCE_BREAK.split(" ".join(text.split())):
        if kept and sum(map(len, kept)) + len(sentence) > LONGEST_CLUE:
            break
        kept.append(sentence.rstrip(" ."))
    return kept


def _lowered(text: str) -> str:
    """The text with its first letter lowered where its first word is no name."""
    first = re.split(r"[\s,;']", text, maxsplit=1)[0]
    return text[:1].lower() + text[1:] if first in _LOWERED else text


def _hint(finding: Finding, clip_id: str) -> str:
    if not finding.evidence:
        return "; nothing in this stands out as a sign of a feeling" if finding.observed else ""
    nouns = [EMOTIONS[emotion].noun_en for emotion in hint_emotions(finding)]
    named = " and perhaps ".join(nouns)
    if finding.strength < 0.25:
        verbs: tuple[str, ...] = ("hints faintly at", "is a faint sign of")
    elif finding.strength < 0.6:
        verbs = ("hints at", "suggests")
    else:
        verbs = ("points to", "speaks clearly for")
    by_itself = pick(("by itself this", "taken alone, this", "this"), clip_id, f"hint-{finding.modality}")
    return f"; {by_itself} {pick(verbs, clip_id, f'verb-{finding.modality}')} {named}"


def _missing(reading: Reading, clip_id: str) -> str:
    """Say which modality is missing or cannot be judged; "" where all can."""
    missing = [
        _ABSENT[modality][reading.finding(modality) is not None]
        for modality in MODALITIES
        if modality not in reading.observed
    ]
    if not missing:
        return ""
    present = join_en([_NAMES[modality] for modality in reading.observed])
    verb = _verb(reading.observed, "speak")
    options = (
        f"There is {join_en(missing)}, so that only {present} can be judged.",
        f"With {join_en(missing)}, {present} alone {verb} here.",
        f"As there is {join_en(missing)}, the judgement rests on {present}.",
    )
    return pick(options, clip_id, "missing")


def _relations(reading: Reading, clip_id: str) -> str:
    """How the clues agree or contradict each other; "" where fewer than two say anything."""
    contradictions = [relation for relation in reading.relations if relation.kind == "contradict"]
    agreements = [relation for relation in reading.relations if relation.kind == "agree"]
    if contradictions:
        return _contradiction(reading, contradictions, clip_id)
    if agreements:
        return _agreement(reading, agreements, clip_id)
    if len(reading.telling) > 1:
        names = join_en([_NAMES[modality] for modality in reading.telling])
        options = (
            f"{names} point in somewhat different directions without excluding each other.",
            f"{names} neither confirm nor contradict each other outright.",
        )
        return capitalised(pick(options, clip_id, "apart"))
    return ""


def _agreement(reading: Reading, agreements: Sequence[Relation], clip_id: str) -> str:
    agreeing = {modality for relation in agreements for modality in (relation.first, relation.second)}
    names = join_en([_NAMES[modality] for modality in reading.telling if modality in agreeing])
    every = "both" if len(agreeing) == 2 else "all"
    shared = {relation.shared for relation in agreements}
    emotion = next(iter(shared)) if len(shared) == 1 else None
    if emotion is None:
        options: tuple[str, ...] = (
            f"{names} point in the same direction.",
            f"{names} fit each other well.",
            f"{names} support each other.",
        )
    else:
        noun = EMOTIONS[emotion].noun_en
        options = (
            f"{names} agree: {every} speak for {noun}.",
            f"{names} {every} speak for {noun}, so that they support each other.",
            f"{names} confirm each other in {noun}.",
        )
    return capitalised(pick(options, clip_id, "agreement"))


def _contradiction(reading: Reading, contradictions: Sequence[Relation], clip_id: str) -> str:
    relation = contradictions[0]
    if not reading.overruled:
        return _two_sides(reading, relation, clip_id)
    others = [relation.first for relation in contradictions if relation.second == "textual"]
    against = join_en([_NAMES[modality] for modality in others])
    verb = _verb(others, "suggest")
    words = _top_noun(reading, "textual")
    other = join_en(list(dict.fromkeys(_top_noun(reading, modality) for modality in others)))
    first = pick(
        (
            f"The words contradict {against}: they claim {words}, while {against} {verb} {other}",
            f"What is said does not match {against}: {words} in the words, {other} otherwise",
            f"Words that claim {words} stand against {against}, which {verb} {other}",
        ),
        clip_id,
        "contradiction",
    )
    second = pick(
        (
            f"more weight is given to {against}, as words are controlled more easily; irony or a hidden feeling is "
            "possible, but not shown.",
            f"{against} {_verb(others, 'count')} for more here, since words are easier "
            "to choose than a look or a tone; irony or hiding one's feelings may be a reason, though nothing measured "
            "proves it.",
        ),
        clip_id,
        "prevailing",
    )
    return f"{first}; {second}"


def _two_sides(reading: Reading, relation: Relation, clip_id: str) -> str:
    first, second = sides(reading, relation)
    names = [join_en([_NAMES[modality] for modality in side]) for side in (first, second)]
    nouns = [_top_noun(reading, side[0]) for side in (first, second)]
    prevailing = names[prevailing_side(reading, first, second)]
    options = (
        f"{names[0]} {_verb(first, 'contradict')} {names[1]}, {nouns[0]} against {nouns[1]}; the clearer sign, "
        f"that of {prevailing}, counts for more, and a mixed or a hidden feeling is possible.",
        f"{names[0]} {_verb(first, 'speak')} for {nouns[0]}, but {names[1]} for {nouns[1]}; the lead goes to "
        f"{prevailing}, the clearer sign, though mixed feelings are possible.",
    )
    return capitalised(pick(options, clip_id, "sides"))


def _verb(subjects: Sequence[Modality], plural: str) -> str:
    """The verb in the number that fits its subjects; "the words" is a plural by itself."""
    return plural if len(subjects) > 1 or subjects[0] == "textual" else f"{plural}s"


def _top_noun(reading: Reading, modality: Modality) -> str:
    finding = reading.finding(modality)
    assert finding is not None, f"a relation names {modality}, which has no finding"
    return EMOTIONS[hint_emotions(finding)[0]].noun_en


def _conclusion(reading: Reading, clip_id: str) -> str:
    opening = pick(_OPENINGS, clip_id, "opening")
    if len(reading.observed) == 1:
        only = _NAMES[reading.observed[0]]
        opening = pick(_LONE_OPENINGS, clip_id, "opening").format(only)
    first, *others = [word.en for word in label_words(reading)]
    if not reading.emotions:
        return f"{opening}, no sign of a particular feeling stands out, and the speaker comes across as {first}."
    strength = reading.emotions[0].strength
    if strength < 0.25:
        verbs: tuple[str, ...] = ("may be", "is perhaps", "could be")
    elif strength < 0.6:
        verbs = ("seems", "appears", "comes across as")
    else:
        verbs = ("clearly seems", "plainly comes across as", "in all likelihood feels")
    lesser = f", and to a lesser degree {join_en(others[:2])}" if others else ""
    return (
        f"{opening}, the speaker {pick(verbs, clip_id, 'verb')} {first}{lesser}{_state(reading)}{_rests_on(reading)}."
    )


def _rests_on(reading: Reading) -> str:
    support = supporting_evidence(reading, reading.emotions[0].emotion)
    return "; this rests on " + ", and on ".join(f"{item.because_en}{_SOURCES[modality]}" for modality, item in support)


def _state(reading: Reading) -> str:
    """The overall state in the affect plane, or "" where it is near the middle."""
    valence = "pleasant" if reading.valence > 0.3 else "unpleasant" if reading.valence < -0.3 else ""
    arousal = "agitated" if reading.arousal > 0.35 else "subdued" if reading.arousal < -0.2 else ""
    if reading.arousal > 0.35 and reading.valence > 0.3:
        arousal = "lively"
    traits = [trait for trait in (valence, arousal) if trait]
    if not traits:
        return ""
    article = "an" if traits[0][0] in "aeiou" else "a"
    return f", {article} {' and '.join(traits)} state overall"
