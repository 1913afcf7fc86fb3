"""What the report shows of single clips: those that were annotated, and those that were left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One annotated clip, as the report shows it.

    Attributes:
        clip_id: the clip's identity.
        uri: where its source is.
        duration_s: its length in seconds, or None where nobody knows.
        frames: uint8 RGB of shape (N, H, W, 3), in the order of time; N is 0 where the clip has no video.
        sound: float32 mono of shape (S,) in [-1, 1]; S is 0 where the clip has no sound.
        subtitle: what is said, or None.
        language: BCP 47 tag of the spoken language, or None.
        visual_clue: what the picture shows, or None.
        acoustic_clue: what the voice shows, or None.
        description_en: the merged description in English, or None.
        description_zh: the same in Chinese, or None.
        labels: (name, clues that the label rests on), strongest first.
        engines: the engine of each annotation step, by the step's name.
    """

    clip_id: str
    uri: str
    duration_s: float | None
    frames: NDArray[np.uint8]
    sound: NDArray[np.float32]
    subtitle: str | None
    language: str | None
    visual_clue: str | None
    acoustic_clue: str | None
    description_en: str | None
    description_zh: str | None
    labels: Sequence[tuple[str, Sequence[str]]]
    engines: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RejectedClip:
    """One clip that was not annotated.

    Attributes:
        clip_id: the clip's identity.
        uri: where its source is.
        outcome: ``filtered`` (usable, but not wanted) or ``rejected`` (not usable).
        stage: the stage that stopped it.
        reason: the short word that reasons are counted by.
        message: what happened to this clip, for a person.
    """

    clip_id: str
    uri: str
    outcome: Literal["filtered", "rejected"]
    stage: str
    reason: str
    message: str
