"""The translation step of the signal engine: the same reading, written in Chinese."""

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

from affectgpt.annotate.sample import Clue, Sample
from affectgpt.annotate.signal.emotions import EMOTIONS
from affectgpt.annotate.signal.labels import label_words
from affectgpt.annotate.signal.merge import (
    hint_emotions,
    leading_sentences,
    prevailing_side,
    sides,
    supporting_evidence,
)
from affectgpt.annotate.signal.textual import load_lexica, textual_clue
from affectgpt.annotate.signal.weighing import MODALITIES, Finding, Modality, Reading, Relation, weigh
from affectgpt.annotate.signal.wording import join_zh, pick
from affectgpt.annotate.step import Step, StepProvenance
from affectgpt.errors import ClipError

_NAMES: Final = {"visual": "画面", "acoustic": "声音", "textual": "文字"}
_LEADS: Final[dict[Modality, tuple[str, ...]]] = {
    "visual": ("在视频中，", "视频显示，", "从视频来看，"),
    "acoustic": ("在音频中，", "从声音上听，", "听起来，"),
}
_ABSENT: Final = {"visual": ("画面", "人脸"), "acoustic": ("声音", "人声"), "textual": ("字幕", "可评估的字幕")}


class Translate(Step):
    """Writes the description in Chinese from the same evidence as the English one."""

    name: ClassVar[str] = "translate"

    def set_up(self) -> None:
        """Read the lexica."""
        load_lexica()

    def annotate(self, samples: Sequence[Sample]) -> Sequence[Sample | ClipError]:
        """Add the Chinese description to each sample that has something to judge by."""
        return [self._annotate_one(sample) for sample in samples]

    def provenance(self) -> StepProvenance:
        """Name the method."""
        return StepProvenance(engine="signal", model="chinese-sentences", revision="1")

    def _annotate_one(self, sample: Sample) -> Sample | ClipError:
        try:
            reading = weigh(sample)
        except ClipError as error:
            return error
        return replace(sample, description_zh=describe_chinese(sample, reading))


def describe_chinese(sample: Sample, reading: Reading) -> str:
    """Write the description in Chinese, in the order of the English one.

    Args:
        sample: a sample; its words are read from the subtitle where it has no textual clue yet.
        reading: the same sample as ``weigh`` reads it.
    """
    clip_id = sample.clip.clip_id
    textual = sample.textual or textual_clue(sample.clip)
    return "".join(
        (
            _observation(sample.visual, reading.finding("visual"), clip_id),
            _observation(sample.acoustic, reading.finding("acoustic"), clip_id),
            f"在文本中，{textual.text_zh}" if textual is not None else "",
            _missing(reading, clip_id),
            _relations(reading, clip_id),
            _conclusion(reading, clip_id),
        )
    )


def _observation(clue: Clue | None, finding: Finding | None, clip_id: str) -> str:
    if clue is None or finding is None:
        return ""
    leads = _LEADS[finding.modality]
    lead = pick(leads, clip_id, f"lead-{finding.modality}") if finding.observed else leads[0]
    if not clue.text_zh:
        return f"{lead}线索原文为英文：“{clue.text_en}”{_hint(finding, clip_id)}。"
    sentences = clue.text_zh.strip().rstrip("。").split("。")
    said = "；".join(sentences[: len(leading_sentences(clue.text_en))])
    return f"{lead}{said}{_hint(finding, clip_id)}。"


def _hint(finding: Finding, clip_id: str) -> str:
    if not finding.evidence:
        return "；其中没有明显的情绪迹象" if finding.observed else ""
    nouns = [EMOTIONS[emotion].noun_zh for emotion in hint_emotions(finding)]
    named = "，也可能是".join(nouns)
    if finding.strength < 0.25:
        verbs: tuple[str, ...] = ("略微透出", "隐约流露出")
    elif finding.strength < 0.6:
        verbs = ("透露出", "暗示着")
    else:
        verbs = ("明显表现出", "清楚地表达出")
    by_itself = pick(("单就这一点看，", "仅凭这些，", "这"), clip_id, f"hint-{finding.modality}")
    return f"；{by_itself}{pick(verbs, clip_id, f'verb-{finding.modality}')}{named}"


def _missing(reading: Reading, clip_id: str) -> str:
    absent = [
        _ABSENT[modality][reading.finding(modality) is not None]
        for modality in MODALITIES
        if modality not in reading.observed
    ]
    if not absent:
        return ""
    missing = join_zh(absent)
    present = join_zh([_NAMES[modality] for modality in reading.observed])
    options = (
        f"该片段没有{missing}，只能依据{present}判断。",
        f"由于没有{missing}可供对照，以下判断仅以{present}为据。",
        f"片段缺少{missing}，结论只建立在{present}之上。",
    )
    return pick(options, clip_id, "missing")


def _relations(reading: Reading, clip_id: str) -> str:
    contradicted = [relation for relation in reading.relations if relation.kind == "contradict"]
    agreeing = [relation for relation in reading.relations if relation.kind == "agree"]
    if reading.overruled:
        others: list[Modality] = [relation.first for relation in contradicted if relation.second == "textual"]
        return _words_against(reading, others, clip_id)
    if contradicted:
        return _two_sides(reading, contradicted[0], clip_id)
    if agreeing:
        modalities = {modality for relation in agreeing for modality in (relation.first, relation.second)}
        names = join_zh([_NAMES[modality] for modality in reading.telling if modality in modalities])
        shared = {relation.shared for relation in agreeing}
        emotion = next(iter(shared)) if len(shared) == 1 else None
        if emotion is None:
            return pick((f"{names}的指向一致。", f"{names}相互支持。", f"{names}彼此吻合。"), clip_id, "agreement")
        noun = EMOTIONS[emotion].noun_zh
        options = (
            f"{names}相互印证，都表达出{noun}。",
            f"{names}一致地指向{noun}。",
            f"{names}都透露出{noun}，彼此支持。",
        )
        return pick(options, clip_id, "agreement")
    if len(reading.telling) > 1:
        names = join_zh([_NAMES[modality] for modality in reading.telling])
        return pick(
            (f"{names}的指向不尽相同，但并不互相排斥。", f"{names}既不互相印证，也没有明显矛盾。"), clip_id, "apart"
        )
    return ""


def _words_against(reading: Reading, others: Sequence[Modality], clip_id: str) -> str:
    against = join_zh([_NAMES[modality] for modality in others])
    words = _top_noun(reading, "textual")
    other = join_zh(list(dict.fromkeys(_top_noun(reading, modality) for modality in others)))
    first = pick(
        (
            f"文字与{against}相互矛盾：字面上是{words}，{against}却透露出{other}。",
            f"说的话与{against}并不相符，字面表达{words}，而{against}偏向{other}。",
            f"字面上的{words}与{against}中的{other}形成反差。",
        ),
        clip_id,
        "contradiction",
    )
    second = pick(
        (
            f"由于话语更容易受人控制，这里以{against}为重；可能是反话或有意掩饰，但没有测量能够证实。",
            f"话可以挑选，神情语气却难以掩饰，因此更看重{against}；不排除反讽或隐藏情绪，但并无实据。",
        ),
        clip_id,
        "prevailing",
    )
    return first + second


def _two_sides(reading: Reading, relation: Relation, clip_id: str) -> str:
    first, second = sides(reading, relation)
    names = [join_zh([_NAMES[modality] for modality in side]) for side in (first, second)]
    nouns = [_top_noun(reading, side[0]) for side in (first, second)]
    prevailing = names[prevailing_side(reading, first, second)]
    options = (
        f"{names[0]}偏向{nouns[0]}，{names[1]}却偏向{nouns[1]}，两者矛盾；{prevailing}的迹象更清楚，以其为重，也可能是复杂或被掩饰的情绪。",
        f"{names[0]}透露的{nouns[0]}与{names[1]}透露的{nouns[1]}不一致；{prevailing}更为明确，故以它为主，但不排除情绪交织。",
    )
    return pick(options, clip_id, "sides")


def _top_noun(reading: Reading, modality: Modality) -> str:
    finding = reading.finding(modality)
    assert finding is not None, f"a relation names {modality}, which has no finding"
    return EMOTIONS[hint_emotions(finding)[0]].noun_zh


def _conclusion(reading: Reading, clip_id: str) -> str:
    opening = pick(("综合来看，", "总的来说，", "综合以上线索，", "整体而言，"), clip_id, "opening")
    if len(reading.observed) == 1:
        only = _NAMES[reading.observed[0]]
        opening = pick((f"仅从{only}来看，", f"单凭{only}判断，", f"就{only}所及，"), clip_id, "opening")
    first, *others = [word.zh for word in label_words(reading)]
    if not reading.emotions:
        return f"{opening}没有明显的情绪迹象，说话人显得{first}。"
    strength = reading.emotions[0].strength
    if strength < 0.25:
        verbs: tuple[str, ...] = ("说话人的情绪可能是", "说话人隐约显得", "说话人或许感到")
    elif strength < 0.6:
        verbs = ("说话人显得", "说话人的情绪看来是", "说话人似乎感到")
    else:
        verbs = ("说话人明显感到", "说话人的情绪很清楚：", "说话人显然感到")
    lesser = f"，其次是{join_zh(others[:2])}" if others else ""
    verb = pick(verbs, clip_id, "verb")
    return f"{opening}{verb}{first}{lesser}{_state(reading)}；{_rests_on(reading)}。"


def _rests_on(reading: Reading) -> str:
    support = supporting_evidence(reading, reading.emotions[0].emotion)
    return "依据是" + "，以及".join(f"{_NAMES[modality]}方面{item.because_zh}" for modality, item in support)


def _state(reading: Reading) -> str:
    valence = "愉快" if reading.valence > 0.3 else "不愉快" if reading.valence < -0.3 else ""
    arousal = "激动" if reading.arousal > 0.35 else "低沉" if reading.arousal < -0.2 else ""
    if reading.valence > 0.3:
        arousal = {"激动": "活跃", "低沉": "安静"}.get(arousal, "")
    traits = [trait for trait in (valence, arousal) if trait]
    return f"，整体状态偏{'、'.join(traits)}" if traits else ""
