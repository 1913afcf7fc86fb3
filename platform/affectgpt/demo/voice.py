"""A small formant synthesiser: a made voice that babbles a sentence with the tone of an emotion.

A train of glottal pulses and noise are shaped by resonators whose frequencies follow the speech sounds, after
D. H. Klatt, "Software for a cascade/parallel formant synthesizer", JASA 67 (1980). What an emotion does to the voice
follows the directions in which the reviews agree: R. Banse & K. R. Scherer, "Acoustic profiles in vocal emotion
expression" (1996), and I. R. Murray & J. L. Arnott, "Toward the simulation of emotion in synthetic speech" (1993).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, lfilter, sosfilt

from affectgpt.demo.phones import NEUTRAL_TRACT, Phone, phones

RATE = 16_000
"""Samples a second."""
STEP = 80
"""Samples over which the voice keeps its parameters: 5 ms."""
STEPS_PER_S = RATE // STEP
EDGE_S = 0.2
"""Least silence before and after the sentence, in seconds."""
SHORTEST_S = 2.1
"""A shorter sentence has longer silences around it."""
BANDWIDTHS_HZ = (70.0, 100.0, 150.0, 250.0)

Sound = NDArray[np.float32]
Track = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Speaker:
    """A person's voice: the pitch of calm speech in Hz, and formants as a multiple of those of a man."""

    pitch_hz: float
    tract: float


@dataclass(frozen=True, slots=True)
class Manner:
    """How an emotion sounds.

    Attributes:
        pitch: level as a multiple of the speaker's calm pitch.
        swing_st: how far the pitch rises on a stressed syllable, in semitones.
        final_st: how far it moves towards the end of the sentence, in semitones.
        pace: speaking rate, 1 is usual.
        pause_s: pause at a comma, in seconds.
        open_share: part of each period in which the vocal folds are open: small for a pressed, large for a soft voice.
        cutoff_hz: from where on the tone gets ever weaker, by 12 dB per octave.
        breath: noise that leaves with the tone, as a share of it.
        jitter: irregularity from one glottal pulse to the next, as a share of the period.
        tremor_st: depth of a trembling at 7 Hz, in semitones.
        level_dbfs: how loud the voice is.
    """

    pitch: float
    swing_st: float
    final_st: float
    pace: float
    pause_s: float
    open_share: float
    cutoff_hz: float
    breath: float
    jitter: float
    tremor_st: float
    level_dbfs: float


MANNERS = {
    "anger": Manner(1.65, 10.0, -3.0, 1.2, 0.08, 0.4, 7000.0, 0.01, 0.022, 0.0, -15.0),
    "happiness": Manner(1.6, 11.0, 1.0, 1.12, 0.1, 0.5, 5000.0, 0.01, 0.006, 0.0, -18.0),
    "fear": Manner(1.75, 4.0, 1.0, 1.3, 0.1, 0.55, 4000.0, 0.04, 0.03, 0.8, -20.0),
    "surprise": Manner(1.65, 12.0, 9.0, 1.05, 0.12, 0.55, 4500.0, 0.02, 0.008, 0.0, -18.0),
    "neutral": Manner(1.0, 3.0, -3.0, 1.0, 0.15, 0.6, 2500.0, 0.015, 0.01, 0.0, -21.0),
    "sadness": Manner(0.92, 1.8, -2.5, 0.8, 0.3, 0.75, 1000.0, 0.02, 0.016, 0.2, -27.0),
    "boredom": Manner(0.87, 1.2, -2.0, 0.78, 0.2, 0.65, 1600.0, 0.015, 0.01, 0.0, -25.0),
}
"""The manner of each emotion that the made people can have."""


def speak(text: str, speaker: Speaker, manner: Manner, rng: np.random.Generator) -> Sound:
    """Babble a sentence.

    Args:
        text: what to say, in English or Chinese.
        speaker: whose voice.
        manner: in which tone.
        rng: source of the irregularities.

    Returns:
        float32 of shape (S,) at ``RATE``, with a short silence at both ends.

    Raises:
        ValueError: there is nothing to say in the text.
    """
    sentence = list(phones(text, manner.pause_s * manner.pace))
    if not any(phone.voicing for phone in sentence):
        raise ValueError(f"there is nothing to say in {text!r}: it has no word")
    spoken_s = sum(phone.seconds for phone in sentence) / manner.pace
    edge = Phone(NEUTRAL_TRACT, max(EDGE_S, (SHORTEST_S - spoken_s) / 2) * manner.pace, 0.0)
    said = [edge, *sentence, edge]
    lengths = np.array([max(round(phone.seconds / manner.pace * STEPS_PER_S), 2) for phone in said])
    voicing = _smooth(np.repeat([phone.voicing for phone in said], lengths), 0.02)
    tract = _smooth(np.repeat([phone.formants for phone in said], lengths, axis=0) * speaker.tract, 0.05)
    tone = _tone(_pitch(said, lengths, speaker, manner, rng), _per_sample(voicing), manner, rng)
    voice = _resonate(tone, tract) + _hiss(said, lengths, rng)
    level = float(np.sqrt(np.mean(voice[_per_sample(voicing) > 0.3] ** 2)))
    voice *= 10 ** (manner.level_dbfs / 20) / level
    room = rng.normal(0.0, 10 ** (-66 / 20), len(voice))
    return np.clip(voice + room, -0.99, 0.99).astype(np.float32)


def _pitch(
    said: Sequence[Phone], lengths: NDArray[np.int64], speaker: Speaker, manner: Manner, rng: np.random.Generator
) -> Track:
    """The pitch at every step, in Hz: a slow fall, a rise on stressed vowels, a last move, a tremor and a drift."""
    total = int(lengths.sum())
    place = np.linspace(0.0, 1.0, total)
    accents = [phone.stressed * manner.swing_st * rng.uniform(0.7, 1.3) for phone in said]
    accent = _smooth(_smooth(np.repeat(accents, lengths), 0.12), 0.08)
    last = np.clip((place - 0.75) / 0.25, 0.0, 1.0) * manner.final_st
    tremor = manner.tremor_st * np.sin(2 * np.pi * 7.0 * np.arange(total) / STEPS_PER_S)
    drift = 3.0 * _smooth(rng.normal(0.0, 1.0, total), 0.3)
    semitones = accent - 0.3 * manner.swing_st * place + last + tremor + drift
    return speaker.pitch_hz * manner.pitch * 2.0 ** (semitones / 12)


def _tone(pitch: Track, loudness: Track, manner: Manner, rng: np.random.Generator) -> Track:
    """The flow of air through the vocal folds, differentiated as it is by the lips, with breath on the open folds.

    The pulse is that of Klatt & Klatt, "Analysis, synthesis, and perception of voice quality variations among female
    and male talkers" (1990): t**2 - t**3 over the open part of the period.
    """
    samples = len(loudness)
    starts, now = [0.0], 0.0
    while now < samples:
        period = RATE / pitch[min(int(now) // STEP, len(pitch) - 1)]
        now += period * (1.0 + manner.jitter * rng.standard_normal())
        starts.append(now)
    cycle = np.interp(np.arange(samples), starts, np.arange(len(starts)))
    shimmer = 1.0 + 3.0 * manner.jitter * rng.standard_normal(len(starts))
    moment = (cycle % 1.0) / manner.open_share
    pulse = np.where(moment < 1.0, 2.0 * moment - 3.0 * moment**2, 0.0) * shimmer[cycle.astype(int)]
    breath = manner.breath * rng.standard_normal(samples) * np.where(moment < 1.0, 1.0, 0.3)
    decay = float(np.exp(-2 * np.pi * manner.cutoff_hz / RATE))
    dark: Track = lfilter([(1.0 - decay) ** 2], [1.0, -2.0 * decay, decay**2], pulse)
    voice: Track = (dark + breath) * loudness
    return voice


def _resonate(tone: Track, tract: Track) -> Track:
    """Send a tone through four resonators in a row, whose frequencies change from step to step."""
    frequencies = np.column_stack([tract, np.full(len(tract), 3500.0 * tract[:, 2].mean() / 2500.0)])
    radius = np.exp(-np.pi * np.array(BANDWIDTHS_HZ) / RATE)
    second = 2.0 * radius * np.cos(2 * np.pi * np.minimum(frequencies, 0.47 * RATE) / RATE)
    third = np.broadcast_to(-(radius**2), second.shape)
    sections = np.zeros((*second.shape, 6))
    sections[..., 0] = 1.0 - second - third
    sections[..., 3] = 1.0
    sections[..., 4], sections[..., 5] = -second, -third
    state = np.zeros((len(BANDWIDTHS_HZ), 2))
    out = np.empty(len(tone))
    for step, section in enumerate(sections):
        span = slice(step * STEP, (step + 1) * STEP)
        out[span], state = sosfilt(section, tone[span], zi=state)
    return out


def _hiss(said: Sequence[Phone], lengths: NDArray[np.int64], rng: np.random.Generator) -> Track:
    """The noise of fricatives and bursts."""
    out = np.zeros(int(lengths.sum()) * STEP)
    ends = np.cumsum(lengths) * STEP
    for phone, end, length in zip(said, ends, lengths * STEP, strict=True):
        if phone.hiss > 0:
            low, high = 0.7 * phone.hiss_hz, min(1.3 * phone.hiss_hz, 0.475 * RATE)
            noise = rng.standard_normal(length) * np.hanning(length)
            out[end - length : end] = phone.hiss * lfilter(*butter(1, (low, high), "band", fs=RATE), noise)
    return out


def _smooth(track: NDArray[np.float64], seconds: float) -> Track:
    """A moving average over so many seconds."""
    smooth: Track = uniform_filter1d(
        np.asarray(track, dtype=np.float64), max(round(seconds * STEPS_PER_S), 1), axis=0, mode="nearest"
    )
    return smooth


def _per_sample(track: Track) -> Track:
    """A track of steps as a track of samples."""
    return np.interp(np.arange(len(track) * STEP) / STEP, np.arange(len(track)) + 0.5, track)
