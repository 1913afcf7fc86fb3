"""What a voice is compared with: the speaker's own usual voice, or published ranges where the speaker is unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

FEWEST_CLIPS: Final = 4


@dataclass(frozen=True, slots=True)
class Range:
    """Where a measurement usually lies, over speakers and over the clips of one speaker.

    Attributes:
        centre: what is usual over speakers.
        spread: standard deviation over the clips of many speakers (for pitch: of one group of speakers).
        least_spread: standard deviation that the calm clips of one speaker show at least, measuring error included.
    """

    centre: float
    spread: float
    least_spread: float


REFERENCE_RANGES: Final[Mapping[str, Range]] = {
    "pitch_median_st": Range(8.5, 4.0, 2.0),
    "pitch_range_st": Range(7.0, 2.5, 2.0),
    "pitch_slope_st_per_s": Range(-3.0, 3.0, 2.0),
    "pitch_final_st": Range(-1.5, 3.0, 2.5),
    "level_dbfs": Range(-20.0, 6.0, 2.0),
    "level_variation_db": Range(6.0, 1.0, 0.8),
    "syllables_per_s": Range(4.3, 1.0, 0.8),
    "pause_share": Range(0.05, 0.12, 0.08),
    "alpha_ratio_db": Range(-15.0, 5.0, 3.0),
    "hammarberg_db": Range(25.0, 6.0, 4.0),
    "harmonics_to_noise_db": Range(10.5, 3.0, 1.5),
    "jitter_percent": Range(3.0, 0.9, 0.6),
    "shimmer_percent": Range(9.0, 2.0, 1.5),
}
"""Read speech and conversation, as ``measure_voice`` measures it.

- Pitch range: the standard deviation of conversation and reading is 2.5-3.5 semitones for men and women alike, so that
  the 10th and 90th percentile are 6.5-9 semitones apart (H. Traunmueller & A. Eriksson, "The frequency range of the
  voice fundamental in the speech of male and female adults", Stockholm University, 1995). The centre of the pitch
  itself is in ``PITCH_GROUPS``.
- Pitch slope: the declination of an utterance of t seconds is about -11 / (t + 1.5) semitones a second, -3 for two
  seconds (J. 't Hart, R. Collier & A. Cohen, "A perceptual study of intonation", Cambridge, 1990).
- Syllables: languages lie at 5-8 syllables a second (F. Pellegrino, C. Coupe & E. Marsico, "A cross-language
  perspective on speech information rate", Language 87, 2011), of which the peaks of the level find about four
  in five (N. H. de Jong & T. Wempe, Behavior Research Methods 41, 2009).
- Level, spectral balance and voice quality have no norm that holds over microphones and rooms; the centres are those of
  unlabelled read speech from close microphones, with spreads wide enough that only clear differences count.
"""


@dataclass(frozen=True, slots=True)
class PitchGroup:
    """A group of speakers by their pitch.

    Attributes:
        name_en: "an adult male voice" and so on.
        name_zh: the same in Chinese.
        median_hz: the group's usual median pitch.
        spread_st: standard deviation over the clips of its members, in semitones.
        share: how common the group is taken to be.
    """

    name_en: str
    name_zh: str
    median_hz: float
    spread_st: float
    share: float


PITCH_GROUPS: Final = (
    PitchGroup("an adult male voice", "成年男声", 119.0, 3.0, 0.45),
    PitchGroup("an adult female voice", "成年女声", 207.0, 3.0, 0.45),
    PitchGroup("a child's voice", "童声", 270.0, 2.5, 0.1),
)
"""Adults: Traunmueller & Eriksson (1995), means of European languages. Children of about eight to ten years: S. Lee,
A. Potamianos & S. Narayanan, "Acoustics of children's speech", JASA 105 (1999). The spread over members is about 2.4
semitones, to which the clips of one member add their own."""


def pitch_group_shares(median_st: float) -> tuple[float, ...]:
    """How likely a voice belongs to each of ``PITCH_GROUPS``, by its median pitch in semitones above 100 Hz."""
    log_weights = [
        np.log(group.share / group.spread_st)
        - 0.5 * ((median_st - 12 * np.log2(group.median_hz / 100)) / group.spread_st) ** 2
        for group in PITCH_GROUPS
    ]
    weights = np.exp(np.array(log_weights) - max(log_weights))
    return tuple((weights / weights.sum()).tolist())


def voice_reference(measurements: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Describe one speaker's usual voice by several of their clips.

    The centre is the median; the spread is the median absolute deviation, scaled to a standard deviation by 1.4826, but
    never less than what calm speech shows anyway (in a speaker who is always calm, small differences mean nothing) and
    never more than what many speakers show together.

    Args:
        measurements: what ``prosody.measure_voice`` gave for each clip of the speaker; clips without a voice are passed
            over.

    Returns:
        ``<name>.centre`` and ``<name>.spread``, in the unit of the name, for each name of ``REFERENCE_RANGES`` that at
        least four clips have, and ``clips``, how many clips have a voice.

    Raises:
        ValueError: fewer than four clips have a voice.
    """
    voices = [measured for measured in measurements if "pitch_median_hz" in measured]
    if len(voices) < FEWEST_CLIPS:
        raise ValueError(
            f"a speaker's usual voice needs at least {FEWEST_CLIPS} clips with a voice, not {len(voices)}; "
            "leave the speaker out, so that reference ranges are used"
        )
    reference = {"clips": float(len(voices))}
    for name, usual in REFERENCE_RANGES.items():
        values = np.array([measured[name] for measured in voices if name in measured])
        if len(values) >= FEWEST_CLIPS:
            centre = float(np.median(values))
            deviation = 1.4826 * float(np.median(np.abs(values - centre)))
            reference[f"{name}.centre"] = centre
            reference[f"{name}.spread"] = float(np.clip(deviation, usual.least_spread, usual.spread))
    return reference
