"""What speech to text is given and gives back, and the one interface of every engine that does it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from affectgpt.clips.media import SAMPLE_RATE

LONGEST_S: Final = 30.0
"""Models of the Whisper family hear so much at a time (https://arxiv.org/abs/2212.04356, section 2.2)."""
CUT_WITHIN_S: Final = 5.0
_PIECE_S: Final = 0.02

SILENT_FROM: Final = 0.6
UNSURE_BELOW: Final = float(np.exp(-1.0))
"""Nothing is said where a model finds silence likelier than the one, and its words less likely than the other
(https://arxiv.org/abs/2212.04356, section 4.5)."""


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """Sound in which somebody may speak.

    Attributes:
        sound: float32 of shape (N,), 16 kHz, mono, within [-1, 1].
        language: BCP 47 tag of what is spoken, or None where the engine is to find out.
        temperature: 0 takes the likeliest word each time.
        seed: of the sampling at a temperature above 0.
    """

    sound: NDArray[np.float32]
    language: str | None = None
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said.

    Attributes:
        text: in one line; "" where nothing is.
        language: BCP 47 tag of what is spoken, or None where the engine does not tell.
        confidence: geometric mean of the probabilities of the tokens, in [0, 1]; None where the engine does not tell.
    """

    text: str
    language: str | None = None
    confidence: float | None = None


class SpeechEngine(Protocol):
    """Runs a model that writes down what is said, wherever it may be."""

    def transcribe(self, speeches: Sequence[Speech]) -> list[Transcript]:
        """Write down what is said in each, in order.

        Raises:
            RequestError: the engine cannot be used as it was asked for.
            JobError: the engine failed on the way.
        """


def is_silence(no_speech: float, confidence: float) -> bool:
    """Whether nothing is said, by the probability that a model gives to silence, and its confidence in the words."""
    return no_speech > SILENT_FROM and confidence < UNSURE_BELOW


def windows(sound: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Cut sound into pieces of at most ``LONGEST_S``, each cut where it is quietest within ``CUT_WITHIN_S`` of that."""
    longest, within, piece = (round(seconds * SAMPLE_RATE) for seconds in (LONGEST_S, CUT_WITHIN_S, _PIECE_S))
    found = []
    while len(sound) > longest:
        tail = sound[longest - within : longest].reshape(-1, piece)
        cut = longest - within + int(np.square(tail).mean(axis=1).argmin()) * piece + piece // 2
        found.append(sound[:cut])
        sound = sound[cut:]
    return [*found, sound]


def joined(parts: Sequence[tuple[Transcript, float]]) -> Transcript:
    """Make one transcript of those of the windows, each with its length; the longest one's language is that of all."""
    spoken = [(transcript, length) for transcript, length in parts if transcript.text]
    if not spoken:
        return Transcript("", None, None)
    sure = [(transcript.confidence, length) for transcript, length in spoken if transcript.confidence is not None]
    total = sum(length for _, length in sure)
    confidence = float(np.exp(sum(np.log(max(one, 1e-9)) * length for one, length in sure) / total)) if total else None
    language = max(spoken, key=lambda part: part[1])[0].language
    return Transcript(" ".join(transcript.text for transcript, _ in spoken), language, confidence)
