"""From the cues of a voice to the emotions that they speak for.

Each emotion is a prototype over the cues, in standard deviations from the usual voice; the closer a voice is to a
prototype, the stronger the evidence. Directions and rough sizes are those on which the reviews agree:

- R. Banse & K. R. Scherer, "Acoustic profiles in vocal emotion expression", J. Pers. Soc. Psychol. 70 (1996):
  standardised means per emotion; elation, panic fear and hot anger highest in pitch, boredom and sadness lowest in
  energy and tempo.
- P. N. Juslin & P. Laukka, "Communication of emotions in vocal expression and music performance", Psychol. Bull. 129
  (2003), the summary of 104 studies: tempo, level, high-frequency energy, pitch, its variability and contour, and
  regularity for anger, fear, happiness, sadness and tenderness.
- K. R. Scherer, "Vocal communication of emotion: a review of research paradigms", Speech Communication 40 (2003): the
  same with boredom and stress.
- I. R. Murray & J. L. Arnott, "Toward the simulation of emotion in synthetic speech", JASA 93 (1993): disgust (low,
  slow, grumbled), and sizes in words from "slightly" to "very much", here 0.5 to 1.5.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np

PROTOTYPES: Final[Mapping[str, Mapping[str, float]]] = {
    "anger": {
        "pitch": 1.25, "range": 1.0, "tempo": 0.75, "brightness": 1.5, "dynamics": 0.75, "pauses": -0.5,
        "clarity": -0.5, "roughness": 0.5, "rise": 0.25,
    },
    "happiness": {
        "pitch": 1.25, "range": 1.0, "tempo": 0.5, "brightness": 0.5, "dynamics": 0.5, "pauses": -0.5, "clarity": 0.5,
        "roughness": -0.5, "rise": 0.5,
    },
    "excitement": {
        "pitch": 1.5, "range": 1.5, "tempo": 1.0, "brightness": 1.0, "dynamics": 0.75, "pauses": -0.5, "rise": 0.5,
    },
    "surprise": {"pitch": 1.25, "range": 1.5, "brightness": 0.25, "clarity": 0.25, "rise": 1.5},
    "fear": {"pitch": 1.25, "tempo": 1.0, "dynamics": 0.5, "roughness": 0.5, "rise": 0.25},
    "anxiety": {
        "pitch": 0.5, "range": -0.75, "tempo": 0.5, "brightness": -0.25, "dynamics": -0.25, "pauses": 0.25,
        "roughness": 0.5,
    },
    "sadness": {
        "pitch": -0.75, "range": -0.75, "tempo": -0.75, "brightness": -1.25, "dynamics": -0.75, "pauses": 1.0,
        "roughness": 0.5, "rise": -0.25,
    },
    "boredom": {
        "pitch": -1.0, "range": -1.0, "tempo": -1.0, "brightness": -0.5, "dynamics": -0.5, "pauses": 0.25,
        "rise": -0.25,
    },
    "disgust": {
        "pitch": -0.75, "range": 0.5, "tempo": -1.25, "brightness": 0.25, "clarity": -0.75, "roughness": 0.75,
    },
    "contentment": {
        "pitch": -0.25, "range": -0.25, "tempo": -0.5, "brightness": -0.75, "dynamics": -0.25, "clarity": 0.75,
        "roughness": -0.75,
    },
    "neutral": {"pitch": -0.25, "range": -0.25, "brightness": -0.25},
}  # fmt: skip
"""Cues that are not named are at their usual value, or the reviews contradict each other (the range and the
high-frequency energy of fear). Neutral speech is a little less lively than the speaker's average, because that average
holds lively speech too."""

WEIGHTS: Final[Mapping[str, float]] = {
    "pitch": 1.0,
    "range": 0.8,
    "brightness": 1.0,
    "tempo": 0.8,
    "dynamics": 0.4,
    "pauses": 0.4,
    "clarity": 0.4,
    "roughness": 0.4,
    "rise": 0.2,
}
"""How much each cue counts: pitch, range, high-frequency energy and tempo have most studies in agreement (Juslin &
Laukka 2003); the others have fewer, are harder to measure, or repeat what the first say."""


SHARES: Final[Mapping[str, float]] = {
    "excitement": 0.5,
    "surprise": 0.5,
    "anxiety": 0.5,
    "contentment": 0.5,
    "disgust": 0.5,
}
"""How common an emotion is taken to be, where it is not 1. The first four are variants of happiness, fear and calm that
the reviews report for fewer studies, or do not tell from their neighbours by voice alone; disgust is the emotion that
listeners recognise least by voice (Scherer 2003), and slow, creaky speech is also some speakers' habit."""


def emotion_strengths(cues: Mapping[str, float]) -> Mapping[str, float]:
    """How strongly the cues speak for each emotion of ``PROTOTYPES``; the strengths sum to 1.

    They are the probabilities of the emotions if they were as common as ``SHARES`` and spread with unit variance over
    their prototypes, each cue counted by its weight.
    """
    fits = {
        emotion: float(np.log(SHARES.get(emotion, 1.0)))
        - 0.5 * sum(WEIGHTS[cue] * (value - prototype.get(cue, 0.0)) ** 2 for cue, value in cues.items())
        for emotion, prototype in PROTOTYPES.items()
    }
    best = max(fits.values())
    total = sum(np.exp(fit - best) for fit in fits.values())
    return {emotion: float(np.exp(fit - best) / total) for emotion, fit in fits.items()}


def cue_contributions(emotion: str, cues: Mapping[str, float]) -> Mapping[str, float]:
    """How much each cue speaks for an emotion rather than for an entirely usual voice; negative speaks against it."""
    prototype = PROTOTYPES[emotion]
    return {
        cue: WEIGHTS[cue] * (value * prototype.get(cue, 0.0) - 0.5 * prototype.get(cue, 0.0) ** 2)
        for cue, value in cues.items()
    }
