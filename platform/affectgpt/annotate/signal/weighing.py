"""Weighs what the picture, the voice and the words say against each other.

Where the words disagree with face or voice, these count for more: when channels contradict each other, listeners go
by the voice and the face (A. Mehrabian & M. Wiener, "Decoding of inconsistent communications", J. Pers. Soc. Psychol. 6
(1967)), and words are the channel that a speaker controls best (P. Ekman & W. V. Friesen, "Nonverbal leakage and clues
to deception", Psychiatry 32 (1969)).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import hypot
from typing import Final, Literal

from affectgpt.annotate.sample import Clue, Evidence, Sample
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.english import read_english
from affectgpt.annotate.signal.mentions import Mention
from affectgpt.annotate.signal.textual import mention_evidence, read_mentions, textual_clue
from affectgpt.annotate.signal.wording import clean
from affectgpt.errors import FilteredClipError

Modality = Literal["visual", "acoustic", "textual"]
MODALITIES: Final[tuple[Modality, ...]] = ("visual", "acoustic", "textual")

CLOSE: Final = 0.5
"""Distance in the affect plane up to which two clues agree though their emotions have different names."""
FAR: Final = 0.9
"""Distance in the affect plane from which two clues contradict each other; the plane's sides are 2 long."""
TELLING: Final = 0.25
"""Strength from which a clue can contradict another, and prevail over words."""

_OVERRULED_SHARE: Final = 0.8
_WRITTEN_SHARE: Final = 0.7
_MOSTLY_STEADY: Final = 0.5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one modality says.

    Attributes:
        modality: which one.
        observed: whether there was something to judge by: a face, a voice, words that a lexicon reads.
        evidence: what it says about emotions, in the clue's order.
        valence: mean valence of the evidence, weighted by strength, in [-1, 1]; 0 without evidence.
        arousal: the same of arousal.
    """

    modality: Modality
    observed: bool
    evidence: tuple[Evidence, ...]
    valence: float = 0.0
    arousal: float = 0.0

    @property
    def strength(self) -> float:
        """The strength of the strongest evidence; 0 without any."""
        return max((item.strength for item in self.evidence), default=0.0)


@dataclass(frozen=True, slots=True)
class Weighed:
    """One emotion, how strongly all clues together speak for it, which do, and the speaker's own words for it."""

    emotion: str
    strength: float
    clues: tuple[Modality, ...]
    own_words: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Relation:
    """How two modalities stand to each other; ``shared`` is the emotion that both name, or None."""

    first: Modality
    second: Modality
    kind: Literal["agree", "contradict"]
    shared: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What all clues of a clip say together.

    Attributes:
        findings: one per modality that has a clue, in the order of ``MODALITIES``.
        emotions: what the clues speak for, strongest first; in the clue's own order where only one has evidence.
        relations: the pairs that plainly agree or contradict each other.
        overruled: whether the words contradict a telling face or voice, with neither on their side, and count for less.
        valence: of all evidence, in [-1, 1].
        arousal: of all evidence, in [-1, 1].
    """

    findings: tuple[Finding, ...]
    emotions: tuple[Weighed, ...]
    relations: tuple[Relation, ...]
    overruled: bool
    valence: float
    arousal: float

    def finding(self, modality: Modality) -> Finding | None:
        """What a modality says, or None where it has no clue."""
        return next((finding for finding in self.findings if finding.modality == modality), None)

    @property
    def observed(self) -> tuple[Modality, ...]:
        """The modalities that there is something to judge by."""
        return tuple(finding.modality for finding in self.findings if finding.observed)

    @property
    def telling(self) -> tuple[Modality, ...]:
        """The modalities that carry evidence."""
        return tuple(finding.modality for finding in self.findings if finding.evidence)


def weigh(sample: Sample) -> Reading:
    """Weigh the clues of a sample; words are read from the clip's subtitle where no textual clue has been made yet.

    Raises:
        FilteredClipError: there is neither a face, nor a voice, nor words to judge by (``nothing-to-describe``).
    """
    clues: dict[Modality, Clue | None] = {
        "visual": sample.visual,
        "acoustic": sample.acoustic,
        "textual": sample.textual or textual_clue(sample.clip),
    }
    findings = tuple(_finding(modality, clue) for modality, clue in clues.items() if clue is not None)
    if not any(finding.observed for finding in findings):
        raise FilteredClipError("nothing-to-describe", _nothing(clues))
    relations = _relations(findings)
    with_words = {relation.kind for relation in relations if relation.second == "textual"}
    overruled = with_words == {"contradict"}
    weighted = _overrule_words(findings) if overruled else findings
    emotions = _combine(weighted, read_mentions(sample.clip))
    valence, arousal = _centre((weighed.emotion, weighed.strength) for weighed in emotions)
    return Reading(findings, emotions, relations, overruled, valence, arousal)


def _finding(modality: Modality, clue: Clue) -> Finding:
    evidence = clue.evidence
    if modality != "textual" and not evidence and not clue.measurements:
        evidence = _written_evidence(clue.text_en)
    valence, arousal = _centre((item.emotion, item.strength) for item in evidence)
    observed = bool(evidence) or _OBSERVED[modality](clue.measurements, clue.text_en)
    return Finding(modality, observed, evidence, valence, arousal)


def _written_evidence(text: str) -> tuple[Evidence, ...]:
    """The evidence of a clue that an engine wrote as text: such texts describe the speaker, whatever their pronouns."""
    mentions = read_english(clean(text))
    return mention_evidence(
        replace(mention, holder="speaker", strength=_WRITTEN_SHARE * mention.strength) for mention in mentions
    )


def _face_seen(measurements: Mapping[str, float], text: str) -> bool:
    return measurements.get("faces_count", 1.0) > 0 and bool(text)


def _voice_heard(measurements: Mapping[str, float], text: str) -> bool:
    if "peak_dbfs" not in measurements:
        return bool(text)
    return "pitch_median_hz" in measurements and measurements.get("steady_share", 0.0) <= _MOSTLY_STEADY


def _words_read(measurements: Mapping[str, float], text: str) -> bool:
    return "emotion_words_count" in measurements


_OBSERVED: Final = {"visual": _face_seen, "acoustic": _voice_heard, "textual": _words_read}


def _nothing(clues: Mapping[Modality, Clue | None]) -> str:
    absent = {
        "visual": ("there is no picture", "no face is seen"),
        "acoustic": ("there is no sound", "no voice is heard"),
        "textual": ("there is no subtitle", "no lexicon reads the subtitle"),
    }
    reasons = [absent[modality][clue is not None] for modality, clue in clues.items()]
    return f"{', '.join(reasons[:-1])} and {reasons[-1]}; give a subtitle in English or Chinese, or leave the clip out"


def _relations(findings: Sequence[Finding]) -> tuple[Relation, ...]:
    relations = []
    for first, second in combinations([finding for finding in findings if finding.evidence], 2):
        distance = hypot(first.valence - second.valence, first.arousal - second.arousal)
        tops = [max(finding.evidence, key=lambda item: item.strength).emotion for finding in (first, second)]
        if tops[0] == tops[1]:
            relations.append(Relation(first.modality, second.modality, "agree", tops[0]))
        elif distance <= CLOSE:
            relations.append(Relation(first.modality, second.modality, "agree"))
        elif (
            distance >= FAR
            and min(first.strength, second.strength) >= TELLING
            and not _only_denies_distress(second, first)
        ):
            relations.append(Relation(first.modality, second.modality, "contradict"))
    return tuple(relations)


def _only_denies_distress(words: Finding, other: Finding) -> bool:
    """Whether words that claim calm meet a clue that shows no distress anyway."""
    return words.modality == "textual" and words.evidence[0].emotion == "neutral" and other.valence > -0.2


def _overrule_words(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """The findings with the words weakened below the strongest face or voice clue."""
    limit = _OVERRULED_SHARE * max(finding.strength for finding in findings if finding.modality != "textual")
    return tuple(_weakened(finding, limit) if finding.modality == "textual" else finding for finding in findings)


def _weakened(finding: Finding, limit: float) -> Finding:
    share = min(1.0, limit / finding.strength)
    return replace(finding, evidence=tuple(replace(item, strength=share * item.strength) for item in finding.evidence))


def _combine(findings: Sequence[Finding], mentions: Sequence[Mention]) -> tuple[Weighed, ...]:
    """Join the clues per emotion and order the emotions."""
    own_words: dict[str, dict[str, Mention]] = {}
    for mention in mentions:
        if mention.names_own_state:
            own_words.setdefault(mention.entry.emotion, {}).setdefault(mention.entry.lemma, mention)
    strengths: dict[str, dict[Modality, float]] = {}
    for finding in findings:
        for item in finding.evidence:
            by_modality = strengths.setdefault(item.emotion, {})
            by_modality[finding.modality] = max(item.strength, by_modality.get(finding.modality, 0.0))
    emotions = [
        Weighed(
            emotion,
            _jointly(by_modality.values()),
            tuple(by_modality),
            tuple(own_words.get(emotion, {}).values()) if "textual" in by_modality else (),
        )
        for emotion, by_modality in strengths.items()
    ]
    if sum(bool(finding.evidence) for finding in findings) > 1:
        emotions.sort(key=lambda weighed: weighed.strength, reverse=True)
    return tuple(emotions)


def _jointly(strengths: Iterable[float]) -> float:
    """The joint strength of independent clues: 1 - (1 - a)(1 - b) for two; exactly that of a single one."""
    joint = 0.0
    for strength in strengths:
        joint += (1 - joint) * strength
    return joint


def _centre(emotions: Iterable[tuple[str, float]]) -> tuple[float, float]:
    """Mean valence and arousal, weighted by strength."""
    weighted = [(EMOTIONS[emotion], strength) for emotion, strength in emotions]
    total = sum(strength for _, strength in weighted)
    if total == 0:
        return 0.0, 0.0
    return (
        sum(strength * emotion.valence for emotion, strength in weighted) / total,
        sum(strength * emotion.arousal for emotion, strength in weighted) / total,
    )
