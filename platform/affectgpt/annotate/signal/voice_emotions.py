"""From the cues of a voice to the emotions that they speak for.

Each emotion is a prototype over the cues, in standard deviations from the usual voice; the closer a voice is to a
prototype, the stronger the evidence. Nothing here is fitted to recordings: every value follows from four published
tables of the cues of emotion in the voice, ``CUE_TABLES``, by three rules.

1. Encoding. A cue that a table reports as increased is +1, decreased -1, unchanged, blank or contradictory 0. Where a
   table grades its words, "slightly", "moderately", "somewhat" or brackets halve the step, and "much" or "very much"
   make it 1.5. A plain step is taken as one standard deviation of the cue.
2. Prototypes. The value of a cue for an emotion is its mean over the tables that have both, so that tables which
   contradict each other cancel. Neutral is the usual voice, all zero: the tables describe departures from it.
3. Counting. A cue weighs as many quarters as tables have a row for it, and an emotion is taken to be as common as the
   share of the tables that have a column for it; neutral, the reference of all four, counts whole.

The rows of the tables are read as follows: level or mean of F0 is ``pitch``, range of F0 (its variability where there
is no range) is ``range``, contour or inflection ``rise``, speech rate ``tempo``, variability of intensity ``dynamics``,
proportion of pauses ``pauses``. High-frequency energy is ``brightness``, or else intensity or loudness, because vocal
effort lifts the high frequencies (H. Traunmueller & A. Eriksson, JASA 107, 2000). Irregular or grumbled voice is
``roughness``; a breathy voice has less ``clarity``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np


@dataclass(frozen=True, slots=True)
class CueTable:
    """One published table in the encoding of this module.

    Attributes:
        cues: the cues that the table has a row for.
        columns: for each emotion of the table, one value per cue.
    """

    cues: tuple[str, ...]
    columns: Mapping[str, tuple[float, ...]]

    def value(self, emotion: str, cue: str) -> float | None:
        """What the table says of a cue of an emotion; None where it lacks the row or the column."""
        if emotion not in self.columns or cue not in self.cues:
            return None
        return self.columns[emotion][self.cues.index(cue)]


CUE_TABLES: Final[Mapping[str, CueTable]] = {
    "Davitz 1964": CueTable(
        ("pitch", "rise", "tempo", "brightness"),
        {
            "anger": (1, 0, 1, 1),
            "happiness": (0.5, 1, 0.5, 0.5),
            "excitement": (1, 1, 1, 1),
            "sadness": (-1, -1, -1, -1),
            "boredom": (-0.5, -0.5, -0.5, -0.5),
        },
    ),
    "Murray & Arnott 1993": CueTable(
        ("pitch", "range", "rise", "tempo", "brightness", "clarity", "roughness"),
        {
            "anger": (1.5, 1.5, 0, 0.5, 1, -1, 0),
            "happiness": (1.5, 1.5, 1, 0, 1, -1, 0),
            "fear": (1.5, 1.5, 0, 1.5, 0, 0, 1),
            "sadness": (-0.5, -0.5, -1, -0.5, -1, 0, 0),
            "disgust": (-1.5, 0.5, -1, -1.5, -1, 0, 1),
            "surprise": (1.5, 1.5, 1, 0, 1, -1, 0),
        },
    ),
    "Scherer 2003": CueTable(
        ("pitch", "range", "rise", "tempo", "brightness"),
        {
            "anger": (1, 1, -1, 1, 1),
            "excitement": (1, 1, 0, 0.5, 0.5),
            "fear": (1, 0.5, 0, 1, 1),
            "sadness": (-1, -1, -1, -1, -1),
            "boredom": (0, -1, 0, -1, 0),
        },
    ),
    "Juslin & Laukka 2003": CueTable(
        ("pitch", "range", "rise", "tempo", "brightness", "dynamics", "pauses", "roughness"),
        {
            "anger": (1, 1, 1, 1, 1, 1, -1, 1),
            "happiness": (1, 1, 1, 1, 0, 0, 0, 0),
            "fear": (1, -1, 1, 1, -1, 1, 0, 1),
            "sadness": (-1, -1, -1, -1, -1, -1, 1, 1),
        },
    ),
}
"""The tables, with the names of their columns where they differ from ours. Tenderness and affection, which two of them
have, are left out: low, slow and soft, they are nobody's voice but a calm one's, and to call a bored speaker tender is
worse than to miss a tender one.

- J. R. Davitz, "The Communication of Emotional Meaning" (1964), characteristics of vocal expressions. Cheerfulness is
  happiness and joy, its stronger form, is excitement. Impatience has no counterpart here; satisfaction is left out
  because it differs from normal in nothing but a slight rise.
- I. R. Murray & J. L. Arnott, "Toward the simulation of emotion in synthetic speech", JASA 93 (1993), table I, with the
  column for surprise that C. Breazeal added ("Designing Sociable Robots", 2002, chapter 11); its range and voice
  quality are from Murray & Arnott's text, which contradicts the added column about the rate.
- K. R. Scherer, "Vocal communication of emotion: a review of research paradigms", Speech Communication 40 (2003), the
  compilation after T. Johnstone & K. R. Scherer (2000), which covers R. Banse & K. R. Scherer, "Acoustic profiles in
  vocal emotion expression", J. Pers. Soc. Psychol. 70 (1996). Joy/elation is excitement; stress is left out, because it
  is no emotion of ours. The range in fear is an increase with a bracketed decrease.
- P. N. Juslin & P. Laukka, "Communication of emotions in vocal expression and music performance", Psychol. Bull. 129
  (2003), table 11, and its counts of studies for the pauses. The
  reports on the regularity of happy voices are taken as contradictory.
"""


def _mean_over_tables(emotion: str, cue: str) -> float:
    """Rule 2; 0 where no table reports the cue for the emotion."""
    values = [value for table in CUE_TABLES.values() if (value := table.value(emotion, cue)) is not None]
    return sum(values) / len(values) if values else 0.0


WEIGHTS: Final[Mapping[str, float]] = {
    cue: sum(cue in table.cues for table in CUE_TABLES.values()) / len(CUE_TABLES)
    for cue in ("pitch", "range", "rise", "tempo", "pauses", "dynamics", "brightness", "clarity", "roughness")
}
"""How much each cue counts, by rule 3."""

SHARES: Final[Mapping[str, float]] = {"neutral": 1.0} | {
    emotion: sum(emotion in table.columns for table in CUE_TABLES.values()) / len(CUE_TABLES)
    for emotion in (
        "anger", "happiness", "excitement", "surprise", "fear", "sadness", "boredom", "disgust",
    )
}  # fmt: skip
"""How common each emotion is taken to be beside neutral, by rule 3."""

PROTOTYPES: Final[Mapping[str, Mapping[str, float]]] = {
    emotion: {cue: _mean_over_tables(emotion, cue) for cue in WEIGHTS} for emotion in SHARES
}
"""Where each emotion lies, in standard deviations of each cue, by rule 2."""


def emotion_strengths(cues: Mapping[str, float]) -> Mapping[str, float]:
    """How strongly the cues speak for each emotion of ``PROTOTYPES``; the strengths sum to 1.

    They are the probabilities of the emotions if they were as common as ``SHARES`` and spread with unit variance over
    their prototypes, each cue counted by its weight.
    """
    fits = {
        emotion: float(np.log(SHARES[emotion]))
        - 0.5 * sum(WEIGHTS[cue] * (value - prototype[cue]) ** 2 for cue, value in cues.items())
        for emotion, prototype in PROTOTYPES.items()
    }
    best = max(fits.values())
    total = sum(np.exp(fit - best) for fit in fits.values())
    return {emotion: float(np.exp(fit - best) / total) for emotion, fit in fits.items()}


def cue_contributions(emotion: str, cues: Mapping[str, float]) -> Mapping[str, float]:
    """How much each cue speaks for an emotion rather than for an entirely usual voice; negative speaks against it."""
    prototype = PROTOTYPES[emotion]
    return {cue: WEIGHTS[cue] * (value * prototype[cue] - 0.5 * prototype[cue] ** 2) for cue, value in cues.items()}
