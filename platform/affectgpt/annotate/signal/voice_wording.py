"""What was measured of a voice, in English and Chinese words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from affectgpt.annotate.signal.voice_reference import PITCH_GROUPS, pitch_group_shares

Measured = Mapping[str, float]

SLIGHT: Final = 0.6
"""Deviations below this many standard deviations are called usual."""

_CLEAR: Final = 1.2
_STRONG: Final = 2.0
_PITCH_STEPS_ST: Final = (1.0, 2.5, 5.0)
_NOISY_DB: Final = 12.0
_CLIPPED: Final = 0.001
_SURE_OF_GROUP: Final = 0.75
_NOISE_FLATNESS: Final = 0.3
_FULL_SCALE_DBFS: Final = -1.0


@dataclass(frozen=True, slots=True)
class CueWords:
    """Noun phrases for a cue above and below the usual, and the cue's name."""

    name_en: str
    more_en: str
    less_en: str
    name_zh: str
    more_zh: str
    less_zh: str


CUE_WORDS: Final[Mapping[str, CueWords]] = {
    "pitch": CueWords("pitch", "a high pitch", "a low pitch", "音高", "音高偏高", "音高偏低"),
    "range": CueWords("range", "wide pitch swings", "a narrow pitch range", "音域", "音高起伏大", "音高起伏小"),
    "brightness": CueWords(
        "timbre", "bright, effortful energy", "soft, dark energy", "音色", "音色明亮用力", "音色柔和低沉"
    ),
    "tempo": CueWords("tempo", "fast speech", "slow speech", "语速", "语速快", "语速慢"),
    "dynamics": CueWords(
        "loudness changes", "strong swings in loudness", "even loudness", "响度变化", "响度起伏大", "响度平稳"
    ),
    "pauses": CueWords("pausing", "long pauses", "hardly a pause", "停顿", "停顿多", "几乎没有停顿"),
    "clarity": CueWords("clarity", "a clear tone", "a breathy or noisy tone", "清晰度", "声音清亮", "声音带气声或杂音"),
    "roughness": CueWords("steadiness", "an irregular voice", "a smooth voice", "平稳度", "声音颤抖粗糙", "声音平滑"),
    "rise": CueWords("ending", "a rise at the end", "a fall at the end", "句尾", "句尾上扬", "句尾下降"),
}


def join_en(parts: Sequence[str]) -> str:
    """Join phrases as an English list: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def silence_text(measured: Measured) -> tuple[str, str]:
    """Say that there is sound without anything to hear; English and Chinese."""
    below = -measured["peak_dbfs"]
    return (
        f"The sound is silent: its peak is {below:.0f} dB below full scale.",
        f"有音轨但没有声音：峰值低于满刻度{below:.0f}分贝。",
    )


def no_voice_text(measured: Measured) -> tuple[str, str]:
    """Say that there is sound but no speaking voice in it; English and Chinese."""
    level = measured["level_dbfs"]
    if measured.get("steady_share", 0.0) > 0:
        hz = measured["pitch_median_hz"]
        return (
            f"There are steady tones near {hz:.0f} Hz, as of music or a hum; no speaking voice stands out.",
            f"可听到约{hz:.0f}赫兹的持续音，像音乐或嗡鸣；没有突出的说话声。",
        )
    if measured["flatness"] > _NOISE_FLATNESS:
        return (
            f"There is noise at {level:.0f} dBFS; no voice stands out.",
            f"有噪声（{level:.0f} dBFS），没有突出的人声。",
        )
    return (
        f"There is sound at {level:.0f} dBFS, but no voice that could be measured.",
        f"有声音（{level:.0f} dBFS），但测不到人声。",
    )


def voice_text(measured: Measured, cues: Measured, reference: Measured | None) -> tuple[str, str]:
    """Describe a voice by what was measured and what it is compared with; English and Chinese."""
    pitch_en, pitch_zh = _own_pitch(measured, reference) if reference is not None else _group_pitch(measured)
    range_en, range_zh = _range(measured, cues)
    ending_en, ending_zh = _ending(measured, cues)
    timbre_en, timbre_zh = _timbre(measured, cues, reference)
    tempo_en, tempo_zh = _tempo(measured, cues)
    tail_en, tail_zh = _recording(measured)
    if reference is None:
        tail_en += " The speaker is not known; usual values of speech were the measure."
        tail_zh += "说话人未知，以一般语音的参考范围为准。"
    return (
        f"{pitch_en}, {range_en}{ending_en}; {timbre_en}; {tempo_en}.{tail_en}",
        f"{pitch_zh}，{range_zh}{ending_zh}；{timbre_zh}；{tempo_zh}。{tail_zh}",
    )


def _degree(deviation: float) -> int:
    """How far from usual, from -3 (strongly below) over 0 (usual) to 3."""
    size = sum(abs(deviation) >= step for step in (SLIGHT, _CLEAR, _STRONG))
    return size if deviation > 0 else -size


def _own_pitch(measured: Measured, reference: Measured) -> tuple[str, str]:
    hz = measured["pitch_median_hz"]
    change = measured["pitch_median_st"] - reference["pitch_median_st.centre"]
    size = sum(abs(change) >= step for step in _PITCH_STEPS_ST)
    if size == 0:
        return f"The voice is at this speaker's usual pitch ({hz:.0f} Hz)", f"音高与此人平时相当（{hz:.0f}赫兹）"
    size_en, size_zh = (("a little ", "略"), ("", ""), ("much ", "明显"))[size - 1]
    direction_en, direction_zh = ("higher", "高") if change > 0 else ("lower", "低")
    return (
        f"The voice is {size_en}{direction_en} than this speaker's usual ({hz:.0f} Hz, {change:+.0f} semitones)",
        f"音高比此人平时{size_zh}{direction_zh}（{hz:.0f}赫兹，{change:+.0f}个半音）",
    )


def _group_pitch(measured: Measured) -> tuple[str, str]:
    hz = measured["pitch_median_hz"]
    shares = pitch_group_shares(measured["pitch_median_st"])
    first, second = sorted(range(len(shares)), key=shares.__getitem__, reverse=True)[:2]
    group, other = PITCH_GROUPS[first], PITCH_GROUPS[second]
    if shares[first] < _SURE_OF_GROUP:
        return (
            f"The voice is pitched at {hz:.0f} Hz, between what is usual for {group.name_en} and {other.name_en}",
            f"音高约{hz:.0f}赫兹，介于{group.name_zh}与{other.name_zh}的常见范围之间",
        )
    ratio = hz / group.median_hz
    place_en, place_zh = (
        ("high", "偏高") if ratio > 1.2 else ("low", "偏低") if ratio < 1 / 1.2 else ("at a usual pitch", "属常见音高")
    )
    return (
        f"The voice is {place_en} for {group.name_en} ({hz:.0f} Hz)",
        f"就{group.name_zh}而言{place_zh}（{hz:.0f}赫兹）",
    )


def _range(measured: Measured, cues: Measured) -> tuple[str, str]:
    semitones = measured["pitch_range_st"]
    word_en, word_zh = {
        -3: ("hardly any swings", "几乎没有起伏"),
        -2: ("narrow swings", "起伏小"),
        -1: ("rather narrow swings", "起伏偏小"),
        0: ("ordinary swings", "起伏一般"),
        1: ("rather wide swings", "起伏偏大"),
        2: ("wide swings", "起伏大"),
        3: ("very wide swings", "起伏很大"),
    }[_degree(cues["range"])]
    return f"with {word_en} ({semitones:.0f} semitones)", f"{word_zh}（{semitones:.0f}个半音）"


def _ending(measured: Measured, cues: Measured) -> tuple[str, str]:
    change = measured.get("pitch_final_st", 0.0)
    if cues.get("rise", 0.0) >= _CLEAR and change > 0:
        return f", rising at the end by {change:.0f} semitones", f"，末尾上扬{change:.0f}个半音"
    if cues.get("rise", 0.0) <= -_CLEAR and change < 0:
        return f", falling at the end by {-change:.0f} semitones", f"，末尾下降{-change:.0f}个半音"
    return "", ""


def _timbre(measured: Measured, cues: Measured, reference: Measured | None) -> tuple[str, str]:
    """Timbre, steadiness and loudness; loudness only against the same speaker and away from full scale."""
    words = {
        -3: ("very soft and dark in timbre", "音色非常柔和低沉"),
        -2: ("soft and dark in timbre", "音色柔和低沉"),
        -1: ("rather soft in timbre", "音色偏柔和"),
        0: ("of ordinary timbre", "音色一般"),
        1: ("rather bright in timbre", "音色偏亮"),
        2: ("pressed, with bright energy", "发声用力，音色明亮"),
        3: ("strongly pressed, with very bright energy", "发声非常用力，音色十分明亮"),
    }
    parts = [words[_degree(cues["brightness"])]]
    for cue in ("roughness", "clarity", "dynamics"):
        if abs(cues.get(cue, 0.0)) >= _CLEAR:
            phrase = CUE_WORDS[cue]
            parts.append((phrase.more_en, phrase.more_zh) if cues[cue] > 0 else (phrase.less_en, phrase.less_zh))
    if reference is not None and "level_dbfs.centre" in reference and measured["peak_dbfs"] < _FULL_SCALE_DBFS:
        change = measured["level_dbfs"] - reference["level_dbfs.centre"]
        if abs(change) >= _CLEAR * reference["level_dbfs.spread"]:
            word_en, word_zh = ("louder", "响") if change > 0 else ("quieter", "轻")
            parts.append(
                (f"recorded {abs(change):.0f} dB {word_en} than usual", f"录音比平时{word_zh}{abs(change):.0f}分贝")
            )
    return ", ".join(en for en, _ in parts), "，".join(zh for _, zh in parts)


def _tempo(measured: Measured, cues: Measured) -> tuple[str, str]:
    rate, pauses = measured["syllables_per_s"], round(measured["pauses"])
    word_en, word_zh = {
        -3: ("very slow", "语速很慢"),
        -2: ("slow", "语速慢"),
        -1: ("rather slow", "语速偏慢"),
        0: ("at an ordinary tempo", "语速一般"),
        1: ("rather fast", "语速偏快"),
        2: ("fast", "语速快"),
        3: ("very fast", "语速很快"),
    }[_degree(cues["tempo"])]
    share = 100 * measured["pause_share"]
    pauses_en = f"{pauses} pause{'s' if pauses > 1 else ''} ({share:.0f} % of the time)" if pauses else "no pauses"
    pauses_zh = f"{pauses}处停顿（占{share:.0f}%）" if pauses else "没有停顿"
    return (
        f"{word_en}, about {rate:.1f} syllables a second, {pauses_en}",
        f"{word_zh}，每秒约{rate:.1f}个音节，{pauses_zh}",
    )


def _recording(measured: Measured) -> tuple[str, str]:
    """What is audible besides the voice."""
    text_en, text_zh = "", ""
    if measured["above_floor_db"] < _NOISY_DB:
        above = measured["above_floor_db"]
        text_en += f" The voice is only {above:.0f} dB above the quietest moments, as with background noise."
        text_zh += f"人声仅比最安静处高{above:.0f}分贝，可能有背景噪声。"
    if measured["clipped_share"] > _CLIPPED:
        text_en += " The recording is clipped."
        text_zh += "录音削波失真。"
    return text_en, text_zh
