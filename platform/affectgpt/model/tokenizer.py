"""Tokenizers: one that is learnt from texts, and what AffectGPT adds to a pretrained one."""

from collections.abc import Iterable
from typing import Final

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from affectgpt.model.prompt import SLOTS

LEAST_VOCABULARY: Final = 300
"""The bytes, the special tokens and room for some merges."""

_PAD, _BEGIN, _END = "<|pad|>", "<|begin|>", "<|end|>"
_ROLES: Final = ("<|system|>", "<|user|>", "<|assistant|>")
_LEARNT_TEMPLATE: Final = (
    "{{ bos_token }}"
    "{% for message in messages %}{{ '<|' ~ message.role ~ '|>' ~ message.content ~ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
# For a language model that never saw a chat: roles as plain words, since tokens of their own would mean nothing to it.
_PLAIN_TEMPLATE: Final = (
    "{% if bos_token %}{{ bos_token }}{% endif %}"
    "{% for message in messages %}{{ message.role | capitalize ~ ':' }}"
    "{% if message.role == 'assistant' %}{{ ' ' ~ message.content ~ eos_token }}"
    "{% else %}{{ ' ' ~ message.content ~ '\\n\\n' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)


def learn_tokenizer(texts: Iterable[str], vocabulary: int, longest: int = 1024) -> PreTrainedTokenizerFast:
    """Learn a byte-level BPE tokenizer (Sennrich et al., arXiv 1508.07909), which any text can be written with.

    Args:
        texts: what it is learnt from.
        vocabulary: the most tokens it has, special ones included; fewer where the texts allow no more.
        longest: how many tokens the language model takes.

    Raises:
        ValueError: there is no text, or the vocabulary is too small.
    """
    if vocabulary < LEAST_VOCABULARY:
        raise ValueError(f"a vocabulary of {vocabulary} tokens is too small; give at least {LEAST_VOCABULARY}")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    special = [_PAD, _BEGIN, _END, *_ROLES, *SLOTS.values()]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        show_progress=False,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    counted = _Counted(texts)
    tokenizer.train_from_iterator(counted, trainer)
    if counted.characters == 0:
        raise ValueError("there is no text to learn a tokenizer from; give clips with descriptions")
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=_PAD,
        bos_token=_BEGIN,
        eos_token=_END,
        extra_special_tokens=[*_ROLES, *SLOTS.values()],
        chat_template=_LEARNT_TEMPLATE,
        model_max_length=longest,
        clean_up_tokenization_spaces=False,
    )


def add_slots(tokenizer: PreTrainedTokenizerBase) -> None:
    """Give a pretrained tokenizer the placeholders of the senses, and a chat format and padding where it has none.

    Raises:
        ValueError: it is no fast tokenizer, or has no end token.
    """
    if not tokenizer.is_fast:
        raise ValueError("it is a slow tokenizer, which cannot tell where its tokens lie; use a model with a fast one")
    if tokenizer.eos_token is None:
        raise ValueError("the tokenizer has no end token; set its eos_token")
    tokenizer.add_tokens(
        [AddedToken(slot, special=True, normalized=False) for slot in SLOTS.values()], special_tokens=True
    )
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.chat_template is None:
        tokenizer.chat_template = _PLAIN_TEMPLATE


class _Counted:
    """Texts, one by one, whose characters are counted as they go by."""

    def __init__(self, texts: Iterable[str]) -> None:
        self.characters = 0
        self._texts = iter(texts)

    def __iter__(self) -> "_Counted":
        return self

    def __next__(self) -> str:
        text = next(self._texts)
        self.characters += len(text)
        return text
