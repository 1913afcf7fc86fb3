"""Acted speech with one emotion per clip: its labels, its features, and what the signal engine says of it."""

import csv
import pickle
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from affectgpt.annotate.signal.prosody import measure_voice
from affectgpt.clips.clip import Clip
from affectgpt.clips.decoding import DecodeSettings, decode
from affectgpt.dataset.annotating import run_stage, stages_of
from affectgpt.dataset.ledger import Folder, Ledger
from affectgpt.dataset.recipe import Recipe
from affectgpt.dataset.schema import CLIPS
from affectgpt.dataset.voices import measure_rows, with_voices
from affectgpt.errors import RequestError
from affectgpt.evaluation.vocabulary import find_label
from affectgpt.model.sound_features import LogMelFeatureExtractor

Floats = NDArray[np.float32]

_EMODB: Final = {
    "W": "anger",
    "L": "boredom",
    "E": "disgust",
    "A": "fear",
    "F": "happiness",
    "T": "sadness",
    "N": "neutral",
}
"""The sixth character of an EmoDB file's name (F. Burkhardt et al., Interspeech 2005)."""
_CLIP_COLUMNS: Final = ("clip_id", "name", "file")
_EMOTION_COLUMNS: Final = ("emotion", "label")
_LEAST_DEVIATION: Final = 1e-3


@dataclass(frozen=True, slots=True)
class Utterance:
    """One clip as the label file has it; the emotion is the adjective that the vocabulary has for it."""

    clip_id: str
    path: Path
    emotion: str
    speaker: str


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """All that the arms learn from and are judged by; every sequence has one entry per clip.

    Attributes:
        utterances: the clips.
        features: float32 of shape (T, D), normalised over all clips of the speaker, which takes no label.
        prosody: float64 of shape (N, M), measurements of the voice, standardised over the clips of each speaker.
        clues: the acoustic clue of the signal engine.
        descriptions: its merged description.
        labels: its labels, strongest first.
    """

    utterances: Sequence[Utterance]
    features: Sequence[Floats]
    prosody: NDArray[np.float64]
    clues: Sequence[str]
    descriptions: Sequence[str]
    labels: Sequence[Sequence[str]]

    @property
    def emotions(self) -> list[str]:
        """The emotion of each clip."""
        return [utterance.emotion for utterance in self.utterances]

    @property
    def speakers(self) -> list[str]:
        """All speakers, each once, in alphabetical order."""
        return sorted({utterance.speaker for utterance in self.utterances})


def read_utterances(media: Path, labels: Path | None, fewest_speakers: int) -> list[Utterance]:
    """Read the labels of a folder of clips.

    Args:
        media: the folder.
        labels: a CSV file with a column of clips (clip_id, name or file; with or without suffix), one of emotions
            (emotion or label) and speaker. None takes ``labels.csv`` of the folder, or EmoDB's file names.
        fewest_speakers: how many there have to be.

    Raises:
        RequestError: a clip is missing or there twice, a column is missing, a label names no emotion, or there are too
            few speakers.
    """
    if not media.is_dir():
        raise RequestError(f"--media {media} is no folder; name the one that holds the clips")
    files = {path.stem: path for path in sorted(media.iterdir()) if path.suffix != ".csv"}
    labels = labels or (media / "labels.csv" if (media / "labels.csv").is_file() else None)
    rows = _emodb_rows(files) if labels is None else _label_rows(labels)
    missing = [clip for clip, _, _ in rows if Path(clip).stem not in files]
    if missing:
        raise RequestError(f"{len(missing)} labelled clips, {missing[0]} the first, are not in {media}")
    repeated = [clip for clip, count in Counter(Path(clip).stem for clip, _, _ in rows).items() if count > 1]
    if repeated or not rows:
        raise RequestError(f"the labels name {repeated[0]} twice" if repeated else f"{labels or media} names no clip")
    speakers = {speaker for _, _, speaker in rows}
    if len(speakers) < fewest_speakers:
        raise RequestError(f"the labels name {len(speakers)} speakers; {fewest_speakers} or more are needed")
    return [
        Utterance(Path(clip).stem, files[Path(clip).stem], _adjective(emotion), speaker)
        for clip, emotion, speaker in rows
    ]


def _emodb_rows(files: Mapping[str, Path]) -> list[tuple[str, str, str]]:
    unlike = [name for name in files if len(name) < 6 or name[5] not in _EMODB]
    if unlike:
        raise RequestError(f"{unlike[0]} is not named as EmoDB names its clips; give --labels")
    return [(name, _EMODB[name[5]], name[:2]) for name in files]


def _label_rows(labels: Path) -> list[tuple[str, str, str]]:
    with labels.open(newline="", encoding="utf-8") as table:
        reader = csv.DictReader(table)
        columns = [
            _column(labels, reader.fieldnames or (), names) for names in (_CLIP_COLUMNS, _EMOTION_COLUMNS, ("speaker",))
        ]
        return [(row[columns[0]], row[columns[1]], row[columns[2]]) for row in reader]


def _column(labels: Path, there: Sequence[str], names: Sequence[str]) -> str:
    found = next((name for name in names if name in there), None)
    if found is None:
        raise RequestError(f"{labels} has no column {' or '.join(names)}; it has {', '.join(there)}")
    return found


def _adjective(emotion: str) -> str:
    word = find_label(emotion)
    if word is None:
        raise RequestError(f"the label {emotion!r} names no emotion that the vocabulary knows; write it as a word")
    return word.emotion.name


def prepare(utterances: Sequence[Utterance], cache: Path) -> Corpus:
    """Compute what the arms need, or take what an earlier run on the same clips left.

    Args:
        utterances: the clips.
        cache: the file where it is kept.

    Raises:
        RequestError: the signal engine can make nothing of a clip.
    """
    if cache.is_file():
        kept: Corpus = pickle.loads(cache.read_bytes())
        if list(kept.utterances) == list(utterances):
            return kept
    extract = LogMelFeatureExtractor(normalisation="none")
    features, measured = [], []
    for utterance in utterances:
        sound = decode(Clip(utterance.clip_id, str(utterance.path)), DecodeSettings()).sound
        features.append(extract(sound, return_tensors="np")["input_features"][0])
        measured.append(measure_voice(sound))
    speakers = [utterance.speaker for utterance in utterances]
    annotated = _annotate(utterances)
    corpus = Corpus(
        utterances,
        _features_by_speaker(features, speakers),
        _prosody_by_speaker(measured, speakers),
        *([row[column] for row in annotated] for column in ("acoustic_clue", "description_en", "labels")),
    )
    cache.write_bytes(pickle.dumps(corpus))
    return corpus


def _annotate(utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
    """Annotate as ``build-dataset`` does, with the speakers' usual voices; no label of emotion is given."""
    clips = pa.Table.from_pylist(
        [
            {
                "work_id": utterance.clip_id,
                "clip_id": utterance.clip_id,
                "uri": str(utterance.path.resolve()),
                "subtitle_source": "none",
                "speaker": utterance.speaker,
                "content_sha256": utterance.clip_id,
                "attempts": 0,
            }
            for utterance in utterances
        ],
        CLIPS,
    )
    recipe = Recipe()
    with TemporaryDirectory() as folder:
        ledger = Ledger(Folder.at(folder))
        work = with_voices(clips, ledger, recipe, lambda chosen, how: measure_rows(chosen, how).to_pylist())
    for stage in stages_of(recipe):
        work = run_stage(work, stage)
    rows = {row["clip_id"]: row for row in work.to_pylist()}
    for row in rows.values():
        if row["outcome"] != "annotated":
            raise RequestError(f"{row['uri']} cannot be annotated ({row['message']}); leave it out of the labels")
    return [rows[utterance.clip_id] for utterance in utterances]


def _features_by_speaker(features: Sequence[Floats], speakers: Sequence[str]) -> list[Floats]:
    """Give each feature mean 0 and deviation 1 over all frames of a speaker, the pitch over the voiced ones."""
    normalised: list[Floats] = [np.empty(0, np.float32)] * len(features)
    for speaker in set(speakers):
        places = [place for place, one in enumerate(speakers) if one == speaker]
        frames = np.concatenate([features[place] for place in places])
        centre, spread = frames.mean(axis=0), frames.std(axis=0)
        pitch = frames[:, -3][frames[:, -3] != 0]
        if pitch.size:
            centre[-3], spread[-3] = pitch.mean(), pitch.std()
        for place in places:
            values = (features[place] - centre) / np.maximum(spread, _LEAST_DEVIATION)
            values[:, -3] *= features[place][:, -3] != 0
            normalised[place] = values.astype(np.float32)
    return normalised


def _prosody_by_speaker(measured: Sequence[Mapping[str, float]], speakers: Sequence[str]) -> NDArray[np.float64]:
    """Standardise the measurements that every clip has over the clips of each speaker."""
    names = sorted(set(measured[0]).intersection(*measured))
    values = np.array([[clip[name] for name in names] for clip in measured])
    of_clip = np.array(speakers)
    for speaker in set(speakers):
        own = of_clip == speaker
        spread = np.maximum(values[own].std(axis=0), _LEAST_DEVIATION)
        values[own] = (values[own] - values[own].mean(axis=0)) / spread
    return values
