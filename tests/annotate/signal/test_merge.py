"""The English description: every branch, variation, determinism, and nothing that was not measured."""

import re
from itertools import product

import pytest

from affectgpt.annotate.sample import Clue, Evidence, Sample
from affectgpt.annotate.signal.merge import LONGEST_CLUE, Merge
from affectgpt.clips.clip import Clip
from affectgpt.errors import ClipError

FACE = Clue(
    "One face, in view all the time. The mouth moves; the head is still.",
    "画面中有一张脸，始终可见。嘴部有动作；头部静止。",
    (Evidence("happiness", 0.5, "a smile in most of the frames", "多数画面中的微笑"),),
    {"faces_count": 1.0},
)
NO_FACE = Clue("No face is found in the 8 frames looked at.", "没有找到人脸。", (), {"faces_count": 0.0})
VOICE = {"peak_dbfs": -3.0, "pitch_median_hz": 169.0}
BRIGHT = Clue(
    "The voice is high (231 Hz), with wide swings (11 semitones).",
    "音高偏高（231赫兹），起伏大（11个半音）。",
    (Evidence("happiness", 0.4, "wide pitch swings", "音高起伏大"),),
    VOICE,
)
FLAT = Clue(
    "The voice is low (169 Hz), with narrow swings (3 semitones).",
    "音高偏低（169赫兹），起伏小（3个半音）。",
    (Evidence("boredom", 0.4, "slow speech", "语速慢"), Evidence("sadness", 0.3, "slow speech", "语速慢")),
    VOICE,
)
SILENT = Clue("The sound is silent.", "没有声音。", (), {"peak_dbfs": -90.0})


def merged(
    visual: Clue | None = None, acoustic: Clue | None = None, subtitle: str | None = None, clip_id: str = "clip"
) -> Sample:
    sample = Sample(Clip(clip_id, "u", subtitle=subtitle), visual=visual, acoustic=acoustic)
    (answer,) = Merge().annotate([sample])
    assert isinstance(answer, Sample), answer
    return answer


def description(*args: object, **kwargs: object) -> str:
    text = merged(*args, **kwargs).description_en  # type: ignore[arg-type]
    assert text is not None
    return text


@pytest.mark.parametrize(
    "present", [combination for combination in product((False, True), repeat=3) if any(combination)]
)
def test_every_set_of_modalities(present: tuple[bool, bool, bool]) -> None:
    text = description(
        FACE if present[0] else None, BRIGHT if present[1] else None, "I'm so happy!" if present[2] else None
    )
    shown = ("the mouth moves", "231 Hz", "I'm so happy!")
    absent = ("no picture", "no sound", "no subtitle")
    for here, show, miss in zip(present, shown, absent, strict=True):
        assert (show in text) == here
        assert (miss in text) == (not here)
    assert "rests on" in text
    assert re.search(r"\b(happy|delighted)\b", text)


def test_the_textual_clue_enters_here() -> None:
    answer = merged(FACE, None, "I'm so happy!")
    assert answer.textual is not None and answer.textual.evidence[0].emotion == "happiness"
    assert merged(FACE).textual is None


@pytest.mark.parametrize("clip_id", [f"clip-{i}" for i in range(12)])
def test_a_contradiction_is_stated_with_its_reason(clip_id: str) -> None:
    text = description(None, FLAT, "I'm so happy!", clip_id)
    assert re.search(r"contradict|does not match|stand against", text)
    assert "irony" in text and re.search(r"possible|may be", text)
    assert re.search(r"weight is given to the voice|the voice counts for more", text)
    assert re.search(r"bored, and to a lesser degree", text)


def test_face_against_voice_names_both() -> None:
    text = description(FACE, FLAT)
    assert "happiness" in text and "boredom" in text
    assert "contradict" in text or "lead" in text


def test_agreement_is_stated() -> None:
    texts = {description(FACE, BRIGHT, "I'm so happy!", f"clip-{i}") for i in range(12)}
    assert all(re.search(r"agree|support|confirm", text) for text in texts)


@pytest.mark.parametrize(
    ("visual", "acoustic", "subtitle", "said"),
    [
        (FACE, SILENT, None, "no voice and no subtitle"),
        (NO_FACE, BRIGHT, None, "no face and no subtitle"),
        (None, BRIGHT, "Das ist ein Haus und nicht rot", "no assessable subtitle"),
    ],
)
def test_what_cannot_be_judged_is_said(
    visual: Clue | None, acoustic: Clue | None, subtitle: str | None, said: str
) -> None:
    assert said in description(visual, acoustic, subtitle)


def test_nothing_about_feelings_where_nothing_stands_out() -> None:
    text = description(subtitle="bin blue at f two now")
    assert "nothing in them names or suggests a feeling" in text
    assert text.endswith("no sign of a particular feeling stands out, and the speaker comes across as neutral.")


def test_descriptions_claim_only_what_is_given() -> None:
    for clip_id in (f"clip-{i}" for i in range(20)):
        assert not re.search(r"smile|face|frames|picture (shows|and)", description(None, FLAT, "Hello.", clip_id))
        assert not re.search(r"pitch|voice (is|and)|tone", description(FACE, None, None, clip_id))


def test_the_same_sample_gives_the_same_description() -> None:
    for clip_id in ("a", "b", "c", "\ud800"):
        assert description(FACE, FLAT, "I'm so happy!", clip_id) == description(FACE, FLAT, "I'm so happy!", clip_id)


def test_descriptions_vary_with_the_clip_and_with_the_measurements() -> None:
    same_clues = {description(FACE, BRIGHT, "I'm so happy!", f"clip-{i}") for i in range(20)}
    assert len(same_clues) >= 15
    clues = list(product((FACE, NO_FACE, None), (BRIGHT, FLAT, SILENT), ("I'm sad", "Hello.", None)))
    answers = Merge().annotate([Sample(Clip("same", "u", subtitle=t), visual=v, acoustic=a) for v, a, t in clues])
    texts = [answer.description_en for answer in answers if isinstance(answer, Sample)]
    assert len(set(texts)) == len(texts) >= 20


def test_sentences_are_well_formed() -> None:
    subtitles = ("I'm so happy!", "I am not angry.", "我很生气！", "Hello.", None)
    for number, (visual, acoustic, subtitle) in enumerate(
        product((FACE, NO_FACE, None), (BRIGHT, FLAT, SILENT), subtitles)
    ):
        sample = Sample(Clip(f"clip-{number}", "u", subtitle=subtitle), visual=visual, acoustic=acoustic)
        (answer,) = Merge().annotate([sample])
        if isinstance(answer, ClipError):
            continue
        text = answer.description_en or ""
        assert text[0].isupper() and text.endswith(".")
        assert not re.search(r"  |\.\.|,,|;;| [,.;]|\{|\}|\bNone\b|words alone speaks", text), text
        outside_quotes = re.sub(r"“[^”]*”", "“”", text)
        assert 3 <= len(re.findall(r"\.(?= |$)", outside_quotes)) <= 6, text
        assert all(start.isupper() for start in re.findall(r"\. (\w)", outside_quotes)), text


def test_weak_clues_may_agree() -> None:
    still = Clue(
        "One face.", "一张脸。", (Evidence("boredom", 0.15, "a still head", "静止的头部"),), {"faces_count": 1.0}
    )
    assert re.search(r"agree|support|confirm", description(still, FLAT))


def test_long_clues_are_shortened_to_their_first_sentences() -> None:
    long = Clue("First things first. " + "Then much more follows here. " * 200, measurements={})
    assert len(description(long)) < 3 * LONGEST_CLUE


def test_a_batch_answers_one_by_one() -> None:
    good, bad = Sample(Clip("good", "u"), acoustic=BRIGHT), Sample(Clip("bad", "u"), acoustic=SILENT)
    first, second, third = Merge().annotate([bad, good, bad])
    assert isinstance(second, Sample)
    for error in (first, third):
        assert isinstance(error, ClipError)
        assert error.reason == "nothing-to-describe"
        assert "no picture" in error.message and "no voice" in error.message and "no subtitle" in error.message


@pytest.mark.parametrize(
    "subtitle", ["<script>alert(1)</script>", "a\nb\x00c", "x" * 100_000, "“”\"'{}%s", "\ud800 sad", "</p>" * 1000]
)
def test_hostile_subtitles(subtitle: str) -> None:
    text = description(FACE, FLAT, subtitle)
    text.encode()
    assert len(text) < 1500
    assert "\n" not in text and "\x00" not in text and "<script" not in text


def test_provenance() -> None:
    provenance = Merge().provenance()
    assert (Merge.name, provenance.engine, provenance.revision) == ("merge", "signal", "1")
