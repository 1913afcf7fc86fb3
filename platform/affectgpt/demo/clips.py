"""Makes the clips of the demo: people who speak with known emotions, and the trouble that real folders hold."""

import csv
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from affectgpt.demo.face import EXPRESSIONS, FRAME_RATE, Look, talking_head
from affectgpt.demo.recording import write_mp4, write_srt, write_wav
from affectgpt.demo.sentences import CONTRARY, SENTENCES
from affectgpt.demo.voice import MANNERS, RATE, Sound, Speaker, speak
from affectgpt.errors import RequestError

FEWEST = 16
"""The fewest clips among which every kind has its place."""

MANIFEST_COLUMNS = ("uri", "clip_id", "subtitle", "language", "speaker")
EMOTIONS = ("anger", "neutral", "happiness", "sadness", "fear", "neutral", "surprise", "boredom")
"""The emotions in the order in which they take turns; calm speech is the most common."""
Form = Literal["both", "picture", "sound"]
Subtitle = Literal["manifest", "sidecar", "embedded", "none"]
_FORMS: dict[int, Form] = {5: "picture", 9: "sound"}
_SUBTITLES: dict[int, Subtitle] = {3: "sidecar", 10: "embedded"}


@dataclass(frozen=True, slots=True)
class Person:
    """One of the made people."""

    name: str
    voice: Speaker
    look: Look


CAST = (
    Person(
        "anna",
        Speaker(205.0, 1.16),
        Look((224, 178, 150), (92, 58, 36), (190, 92, 92), (60, 80, 140), 46.0, long_hair=True),
    ),
    Person(
        "ben", Speaker(115.0, 1.0), Look((214, 162, 130), (40, 32, 28), (170, 96, 88), (90, 40, 44), 49.0, beard=True)
    ),
    Person(
        "chen",
        Speaker(128.0, 1.03),
        Look((226, 186, 146), (28, 24, 26), (160, 70, 66), (235, 235, 230), 47.0, glasses=True),
    ),
    Person(
        "dora",
        Speaker(185.0, 1.12),
        Look((150, 102, 74), (30, 22, 20), (150, 66, 62), (200, 150, 60), 45.0, long_hair=True),
    ),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """One clip to make.

    Attributes:
        clip_id: its id; says nothing about the emotion.
        person: who speaks.
        emotion: how they speak and look.
        text: what they say.
        language: the text's language.
        form: with sound and picture, with the picture alone, or with the sound alone.
        subtitle: where the text is given: in the manifest, in a file beside the clip, in the clip, or nowhere.
    """

    clip_id: str
    person: Person
    emotion: str
    text: str
    language: str
    form: Form
    subtitle: Subtitle

    @property
    def file(self) -> str:
        """The name of the clip's file."""
        return self.clip_id + (".wav" if self.form == "sound" else ".mp4")


def make_clips(folder: Path, count: int = 48, seed: int = 0) -> Path:
    """Make a folder of clips with a manifest and with what is true of them.

    Most are talking people of 320x240 pixels at 25 frames a second (H.264 and AAC in MP4) who speak for 2 to 4 seconds.
    Among them are clips without sound, sound alone, clips without a subtitle, a subtitle in a file beside the clip and
    one inside it, words that contradict the voice, and, as the last three, a copy of another clip, a file cut short and
    a text file with the name of a video. The same seed gives the same bytes.

    Args:
        folder: where the clips go; made where it does not exist.
        count: how many rows the manifest has.
        seed: chooses the sentences, the irregularities of the voices and the backgrounds.

    Returns:
        The path of ``manifest.csv`` (``uri``, ``clip_id``, ``subtitle``, ``language``, ``speaker``); beside it lies
        ``truth.csv`` (``clip_id``, ``emotion``). The manifest is written last.

    Raises:
        RequestError: count is too small for every kind of clip to have its place.
    """
    if count < FEWEST:
        raise RequestError(f"{count} clips are too few to show every kind of clip; ask for at least {FEWEST}")
    folder.mkdir(parents=True, exist_ok=True)
    scenes = plan(count - 3, seed)
    for number, scene in enumerate(scenes):
        _make(folder, scene, np.random.default_rng((seed, number)))
    copied, cut = scenes[0], scenes[1]
    shutil.copyfile(folder / copied.file, folder / "copy.mp4")
    whole = (folder / cut.file).read_bytes()
    (folder / "cut-short.mp4").write_bytes(whole[: len(whole) // 2])
    (folder / "notes.mp4").write_text("Notes for the recording: these lines are text, not a video.\n", encoding="utf-8")
    truth = [*((scene.clip_id, scene.emotion) for scene in scenes), ("copy", copied.emotion)]
    _write_csv(folder / "truth.csv", ("clip_id", "emotion"), truth)
    rows = [
        *(_row(scene) for scene in scenes),
        ("copy.mp4", "copy", copied.text, copied.language, copied.person.name),
        ("cut-short.mp4", "cut-short", cut.text, cut.language, cut.person.name),
        ("notes.mp4", "notes", "", "", ""),
    ]
    manifest = folder / "manifest.csv"
    _write_csv(manifest, MANIFEST_COLUMNS, rows)
    return manifest


def plan(count: int, seed: int) -> list[Scene]:
    """Say which clips to make: every person with every emotion, each kind of clip at fixed places.

    Every seventh voice contradicts its words, and every fifth text is Chinese. The sentences for an emotion take turns.
    """
    first = int(np.random.default_rng(seed).integers(1000))
    used: Counter[tuple[str, str]] = Counter()
    scenes = []
    for number in range(count):
        emotion = EMOTIONS[number % len(EMOTIONS)]
        words = CONTRARY[emotion] if number % 7 == 4 else emotion
        language = "zh" if number % 5 == 2 else "en"
        sentences = SENTENCES[words][language]
        text = sentences[(first + used[words, language]) % len(sentences)]
        used[words, language] += 1
        scenes.append(
            Scene(
                clip_id=f"clip-{number:03d}",
                person=CAST[(number + number // len(EMOTIONS)) % len(CAST)],
                emotion=emotion,
                text=text,
                language=language,
                form=_FORMS.get(number % 14, "both"),
                subtitle=_SUBTITLES.get(number) or ("none" if number % 12 == 7 else "manifest"),
            )
        )
    return scenes


def _make(folder: Path, scene: Scene, rng: np.random.Generator) -> None:
    """Let the scene's person speak, and write what comes of it."""
    sound = speak(scene.text, scene.person.voice, MANNERS[scene.emotion], rng)
    path = folder / scene.file
    if scene.form == "sound":
        write_wav(path, sound, RATE)
        return
    frames = talking_head(scene.person.look, EXPRESSIONS[scene.emotion], _opening(sound), rng)
    heard = None if scene.form == "picture" else sound
    write_mp4(path, frames, FRAME_RATE, heard, RATE, scene.text if scene.subtitle == "embedded" else None)
    if scene.subtitle == "sidecar":
        write_srt(path.with_suffix(".srt"), scene.text, len(sound) / RATE)


def _opening(sound: Sound) -> NDArray[np.float64]:
    """How far the mouth is open in each frame, 0 to 1: the loudness of the voice, as the ear compresses it."""
    per_frame = RATE // FRAME_RATE
    frames = len(sound) // per_frame
    loudness = np.sqrt(np.mean(sound[: frames * per_frame].reshape(frames, per_frame).astype(np.float64) ** 2, axis=1))
    return np.asarray(np.clip(loudness / np.quantile(loudness, 0.95), 0.0, 1.0) ** 0.7)


def _row(scene: Scene) -> tuple[str, str, str, str, str]:
    subtitle = scene.text if scene.subtitle == "manifest" else ""
    return scene.file, scene.clip_id, subtitle, scene.language, scene.person.name


def _write_csv(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
