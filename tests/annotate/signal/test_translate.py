"""The Chinese description says what the English one says."""

import re
from itertools import product

import pytest

from affectgpt.annotate.sample import Clue, Evidence, Sample
from affectgpt.annotate.signal.merge import Merge
from affectgpt.annotate.signal.translate import Translate
from affectgpt.clips.clip import Clip
from affectgpt.errors import ClipError

FACE = Clue(
    "One face, in view all the time. The head is still.",
    "画面中有一张脸，始终可见。头部静止。",
    (Evidence("happiness", 0.5, "a smile in most of the frames", "多数画面中的微笑"),),
    {"faces_count": 1.0},
)
FLAT = Clue(
    "The voice is low (169 Hz), with narrow swings (3 semitones).",
    "音高偏低（169赫兹），起伏小（3个半音）。",
    (Evidence("boredom", 0.4, "slow speech", "语速慢"), Evidence("sadness", 0.3, "slow speech", "语速慢")),
    {"peak_dbfs": -3.0, "pitch_median_hz": 169.0},
)


def described(
    visual: Clue | None, acoustic: Clue | None, subtitle: str | None, clip_id: str = "clip"
) -> tuple[str, str]:
    sample = Sample(Clip(clip_id, "u", subtitle=subtitle), visual=visual, acoustic=acoustic)
    (merged,) = Merge().annotate([sample])
    assert isinstance(merged, Sample)
    (translated,) = Translate().annotate([merged])
    assert isinstance(translated, Sample)
    return translated.description_en or "", translated.description_zh or ""


@pytest.mark.parametrize(
    "present", [combination for combination in product((False, True), repeat=3) if any(combination)]
)
def test_every_set_of_modalities(present: tuple[bool, bool, bool]) -> None:
    _, text = described(
        FACE if present[0] else None, FLAT if present[1] else None, "I'm so happy!" if present[2] else None
    )
    assert ("一张脸" in text) == present[0]
    assert ("169赫兹" in text) == present[1]
    assert ("I'm so happy!" in text) == present[2]
    missing = [name for name, here in zip(("画面", "声音", "字幕"), present, strict=True) if not here]
    for name in missing:
        assert re.search(rf"(没有|缺少)[^，。]*{name}", text), text
    assert "依据" in text and text.endswith("。")


def test_numbers_are_those_of_the_english_text() -> None:
    english, chinese = described(None, FLAT, "I have 7 friends")
    assert re.findall(r"\d+", english) == re.findall(r"\d+", chinese)


@pytest.mark.parametrize("clip_id", [f"clip-{i}" for i in range(8)])
def test_a_contradiction_is_translated(clip_id: str) -> None:
    _, text = described(None, FLAT, "I'm so happy!", clip_id)
    assert re.search("矛盾|不相符|反差", text)
    assert re.search("反话|反讽", text) and re.search("可能|不排除", text)
    assert "无聊" in text


def test_no_english_outside_quotations() -> None:
    subtitles = ("I'm so relieved!", "I am not angry", "我很生气", "今天星期三", None)
    for number, (visual, acoustic, subtitle) in enumerate(product((FACE, None), (FLAT, None), subtitles)):
        if visual is None and acoustic is None and subtitle is None:
            continue
        _, text = described(visual, acoustic, subtitle, f"clip-{number}")
        assert not re.search("[a-z]{2,}", re.sub("“[^”]*”", "", text)), text
        assert not re.search("。。|，，|；；|，。|；。| ", re.sub("“[^”]*”", "", text)), text


def test_descriptions_vary_and_are_stable() -> None:
    texts = [described(FACE, FLAT, "I'm so happy!", f"clip-{i}")[1] for i in range(20)]
    assert len(set(texts)) >= 15
    assert texts == [described(FACE, FLAT, "I'm so happy!", f"clip-{i}")[1] for i in range(20)]


def test_as_many_sentences_of_a_clue_are_kept_as_in_english() -> None:
    visual = Clue(
        f"One face. It is {'very ' * 30}large. A third sentence about it is left out.",
        "甲。乙。丙。丁。戊。",
        (),
        {"faces_count": 1.0},
    )
    english, chinese = described(visual, None, None)
    assert "left out" not in english
    assert "甲；乙；" in chinese and "丙" not in chinese


def test_a_clue_without_chinese_is_quoted() -> None:
    _, text = described(Clue("The man smiles."), None, None)
    assert "“The man smiles.”" in text and "高兴" in text


def test_a_batch_answers_one_by_one() -> None:
    empty, full = Sample(Clip("empty", "u")), Sample(Clip("full", "u"), acoustic=FLAT)
    first, second = Translate().annotate([empty, full])
    assert isinstance(first, ClipError) and first.reason == "nothing-to-describe"
    assert isinstance(second, Sample) and second.description_zh


def test_provenance() -> None:
    provenance = Translate().provenance()
    assert (Translate.name, provenance.engine, provenance.revision) == ("translate", "signal", "1")
