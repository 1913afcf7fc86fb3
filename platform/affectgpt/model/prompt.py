"""What AffectGPT is asked: slots for sound, sight and their fusion, the subtitle, and a question."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

Language = Literal["en", "zh"]
Slot = Literal["audio", "video", "fused"]

SLOTS: Final[Mapping[Slot, str]] = {"audio": "<|audio|>", "video": "<|video|>", "fused": "<|fused|>"}
"""The placeholders of what the branches give, in the order in which the prompt holds them."""

_PHRASINGS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        "Which clues in the picture, in the voice and in the words reveal how this person feels? "
        "Name them, and say in English what emotional state can be inferred from them.",
        "Describe in English the visual, acoustic and textual clues to this person's emotions, "
        "and the emotional state that they point to.",
        "What does this person feel? Answer in English, and explain from what can be seen, heard and read "
        "the emotional state can be inferred.",
        "Infer the speaker's emotional state. Write in English, and give the evidence: "
        "face and movement, tone of voice, and what is said.",
        "Look, listen and read the words: which signs tell of emotions, and of which ones? Explain it in English.",
    ),
    "zh": (
        "画面、声音和话语里有哪些线索透露出这个人的感受？请逐一指出，并用中文说明由此能推断出怎样的情绪状态。",
        "请用中文描述与此人情绪有关的视觉、听觉和文本线索，以及这些线索所指向的情绪状态。",
        "这个人的心情如何？请用中文回答，并解释可以从看到、听到和读到的哪些内容推断其情绪状态。",
        "请推断说话人的情绪状态。用中文写出依据：表情与动作、说话的语气，以及所说的内容。",
        "请结合画面、声音和文字：哪些迹象流露出情绪，又是哪些情绪？请用中文说明。",
    ),
}


@dataclass(frozen=True, slots=True)
class _Wording:
    """How one language names the parts of a prompt."""

    slots: Mapping[Slot, str]
    subtitle: str


_WORDINGS: Final[Mapping[str, _Wording]] = {
    "en": _Wording({"audio": "Sound: {}", "video": "Video: {}", "fused": "Both: {}"}, "Subtitle: “{}”"),
    "zh": _Wording({"audio": "声音：{}", "video": "画面：{}", "fused": "综合：{}"}, "字幕：“{}”"),
}

# Some templates write the date of the day into each prompt unless they are given one.
_TEMPLATE_OPTIONS: Final[dict[str, Any]] = {"enable_thinking": False, "date_string": "26 Jul 2024"}
_PROBE: Final = "affectgpt"


def phrasings(language: Language) -> tuple[str, ...]:
    """Return the questions of a language: each asks for the clues, what they show, and an answer in that language.

    Raises:
        ValueError: the language has none.
    """
    if language not in _PHRASINGS:
        raise ValueError(f"language {language!r}: AffectGPT is asked in en or zh; choose one of them")
    return _PHRASINGS[language]


def user_message(
    tokens: Mapping[Slot, int],
    subtitle: str | None,
    language: Language,
    phrasing: int,
    question: str | None = None,
) -> str:
    """Return what the user says: a line for each sense, the subtitle where there is one, and the question.

    Args:
        tokens: how many vectors the language model is given for each slot; one without any has no line.
        subtitle: what is said in the clip.
        language: the language of the question and of the answer.
        phrasing: index of the question among ``phrasings(language)``.
        question: what is asked instead of it; None for that.

    Raises:
        ValueError: there is no such language or phrasing.
    """
    questions = phrasings(language)
    if not 0 <= phrasing < len(questions):
        raise ValueError(f"phrasing {phrasing}: the questions in {language} are 0 to {len(questions) - 1}")
    wording = _WORDINGS[language]
    lines = [wording.slots[slot].format(token * tokens[slot]) for slot, token in SLOTS.items() if tokens.get(slot)]
    if subtitle and subtitle.strip():
        lines.append(wording.subtitle.format(subtitle.strip()))
    return "\n".join([*lines, questions[phrasing] if question is None else question.strip()])


def render(tokenizer: PreTrainedTokenizerBase, message: str) -> str:
    """Return the text that comes before an answer, in the chat format of the language model.

    Models that can think before they answer are told not to.

    Raises:
        ValueError: the tokenizer's chat template cannot be rendered.
    """
    return _apply(tokenizer, [{"role": "user", "content": message}], begin_answer=True)


def end_of_answer(tokenizer: PreTrainedTokenizerBase) -> int:
    """Return the id of the token that ends an answer: what the chat template writes after one, else the end token.

    Raises:
        ValueError: the template writes no special token there, and the tokenizer has no end token.
    """
    conversation = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _PROBE}]
    after = _apply(tokenizer, conversation, begin_answer=False).rpartition(_PROBE)[2].strip()
    ids = tokenizer.encode(after, add_special_tokens=False)
    if ids and tokenizer.added_tokens_decoder.get(ids[0]) is not None:
        return int(ids[0])
    if not isinstance(tokenizer.eos_token_id, int):
        raise ValueError("the tokenizer has no token that ends an answer; set its eos_token")
    return tokenizer.eos_token_id


def without_special_tokens(tokenizer: PreTrainedTokenizerBase, text: str) -> str:
    """Return a text in which what is written like a special token is mere text, so that nobody's words act as one."""
    for token in tokenizer.added_tokens_decoder.values():
        if token.special and len(token.content) > 1 and token.content in text:
            text = text.replace(token.content, f"{token.content[0]} {token.content[1:]}")
    return text


def _apply(tokenizer: PreTrainedTokenizerBase, conversation: Sequence[Mapping[str, str]], begin_answer: bool) -> str:
    try:
        text = tokenizer.apply_chat_template(
            [dict(message) for message in conversation],
            tokenize=False,
            add_generation_prompt=begin_answer,
            **_TEMPLATE_OPTIONS,
        )
    except TemplateError as error:
        raise ValueError(f"the chat template of the tokenizer cannot be rendered ({error}); mend it") from error
    return str(text)
