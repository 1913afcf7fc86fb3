"""A tiny tokenizer with a chat format like Qwen3's: ChatML, and an empty thought where thinking is off."""

from tokenizers import AddedToken, ByteLevelBPETokenizer
from transformers import PreTrainedTokenizerFast

TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' ~ message.role ~ '\\n' }}"
    "{% if message.role == 'assistant' %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{{ message.content ~ '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}"
    "{% if enable_thinking is defined and enable_thinking is false %}{{ '<think>\\n\\n</think>\\n\\n' }}{% endif %}"
    "{% endif %}"
)
TEXTS = ("She smiles, her voice is bright, so she seems happy.", "她面带微笑，声音明亮，看来很高兴。") * 20


def chat_tokenizer(template: str | None = TEMPLATE) -> PreTrainedTokenizerFast:
    bytes_and_words = ByteLevelBPETokenizer()
    bytes_and_words.train_from_iterator(TEXTS, vocab_size=400, special_tokens=["<|endoftext|>"], show_progress=False)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bytes_and_words._tokenizer, eos_token="<|endoftext|>", chat_template=template
    )
    tokenizer.add_tokens(
        [AddedToken(token, special=True) for token in ("<|im_start|>", "<|im_end|>")], special_tokens=True
    )
    tokenizer.add_tokens(["<think>", "</think>"])
    return tokenizer
