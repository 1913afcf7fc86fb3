"""How well the acoustic clue tells emotions on acted speech, and what it costs.

The folder holds ``labels.csv`` (file,label,speaker) and the files that it names, one emotion per file. No value is
fitted on the labels: the prototypes are those of four reviews. Known speaker: the usual voice comes from all clips of
the speaker. Unknown speaker: reference ranges.

    python benchmarks/acoustic.py [--speech DIR]
"""

import argparse
import csv
import math
import os
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from affectgpt.annotate.sample import Evidence
from affectgpt.annotate.signal.acoustic import acoustic_clue
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.prosody import measure_voice
from affectgpt.annotate.signal.voice_reference import voice_reference
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.clips.media import SAMPLE_RATE

HIGH_AROUSAL = {"anger", "fear", "happiness", "surprise"}
LOW_AROUSAL = {"boredom", "sadness", "neutral", "calm"}
FAMILY = {"excitement": "happiness", "anxiety": "fear", "contentment": "neutral"}
"""Emotions that acted corpora have no class of their own for."""


@dataclass(frozen=True, slots=True)
class Utterance:
    path: Path
    label: str
    speaker: str


@dataclass(frozen=True, slots=True)
class Figures:
    arousal_by_evidence: float
    arousal_by_first_label: float
    macro_recall: float
    confusion: Mapping[str, Counter[str]]


def read_utterances(folder: Path) -> list[Utterance]:
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        return [Utterance(folder / row["file"], row["label"], row["speaker"]) for row in csv.DictReader(table)]


def read_sound(path: Path) -> NDArray[np.float32]:
    return decode(Clip(path.stem, str(path)), DecodeSettings()).sound


def speaker_references(
    utterances: Sequence[Utterance], measured: Sequence[Mapping[str, float]]
) -> list[Mapping[str, float]]:
    by_speaker: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    for utterance, measurements in zip(utterances, measured, strict=True):
        by_speaker[utterance.speaker].append(measurements)
    references = {speaker: voice_reference(clips) for speaker, clips in by_speaker.items()}
    return [references[utterance.speaker] for utterance in utterances]


def heard_aroused(evidence: Sequence[Evidence]) -> bool:
    """Whether the evidence for emotions above the middle of arousal outweighs that for those below it."""
    return sum(math.copysign(found.strength, EMOTIONS[found.emotion].arousal) for found in evidence) > 0


def balanced_accuracy(labels: Sequence[str], aroused: Sequence[bool]) -> float:
    """Mean of the shares of high and of low arousal that were heard as such."""
    high = [heard for label, heard in zip(labels, aroused, strict=True) if label in HIGH_AROUSAL]
    low = [not heard for label, heard in zip(labels, aroused, strict=True) if label in LOW_AROUSAL]
    return (sum(high) / len(high) + sum(low) / len(low)) / 2


def judge(labels: Sequence[str], evidence: Sequence[Sequence[Evidence]]) -> Figures:
    confusion: dict[str, Counter[str]] = defaultdict(Counter)
    classes = set(labels)
    for label, found in zip(labels, evidence, strict=True):
        first = found[0].emotion if found else "neutral"
        confusion[label][first if first in classes else FAMILY.get(first, "happiness")] += 1
    recalls = [heard[label] / heard.total() for label, heard in confusion.items()]
    return Figures(
        arousal_by_evidence=balanced_accuracy(labels, [heard_aroused(found) for found in evidence]),
        arousal_by_first_label=balanced_accuracy(labels, [heard_aroused(found[:1]) for found in evidence]),
        macro_recall=sum(recalls) / len(recalls),
        confusion=confusion,
    )


def show(title: str, figures: Figures) -> None:
    print(f"\n{title}")
    print(f"  arousal, balanced accuracy  {figures.arousal_by_evidence:.3f} by all evidence, ", end="")
    print(f"{figures.arousal_by_first_label:.3f} by the first label")
    print(f"  first label, macro recall   {figures.macro_recall:.3f}  (chance {1 / len(figures.confusion):.3f})")
    columns = sorted(set().union(*figures.confusion.values()))
    print("  " + " " * 12 + "".join(f"{column[:9]:>10}" for column in columns) + "   <- heard")
    for label in sorted(figures.confusion):
        print(f"  {label:12}" + "".join(f"{figures.confusion[label][column]:10d}" for column in columns))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    shared = Path(os.environ.get("AFFECTGPT_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    parser.add_argument("--speech", type=Path, default=shared / "media" / "emodb", help="folder with labels.csv")
    utterances = read_utterances(parser.parse_args().speech)
    sounds = [read_sound(utterance.path) for utterance in utterances]
    measure_voice(sounds[0])
    began = time.process_time()
    measured = [measure_voice(sound) for sound in sounds]
    spent = time.process_time() - began
    seconds = sum(map(len, sounds)) / SAMPLE_RATE
    print(f"{len(sounds)} clips, {seconds:.0f} s of sound; {1000 * spent / len(sounds):.1f} ms CPU per clip, ", end="")
    print(f"{1000 * spent / seconds:.1f} ms per second of sound")

    labels = [utterance.label for utterance in utterances]
    references = speaker_references(utterances, measured)
    known = [acoustic_clue(*pair).evidence for pair in zip(measured, references, strict=True)]
    show("speaker known", judge(labels, known))
    show("speaker unknown", judge(labels, [acoustic_clue(clip, None).evidence for clip in measured]))


if __name__ == "__main__":
    main()
