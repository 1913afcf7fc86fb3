"""Writes a language model of random weights whose replies are prose: words of English that go on until it has done.

    python -m benchmarks.wordy_model FOLDER (in the environment of vLLM)

It is a Qwen3 of 20 million parameters. Its tokens are bytes, and the words of the prompts as wholes. The weights are
larger than usual, so that the next word hangs on all that precedes it: greedy replies neither repeat themselves nor are
alike. Words are always likelier than bytes, and the end comes after any word with about the same chance. So the lengths
of replies vary more than those of a trained model do.
"""

import re
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from affectgpt.annotate.generated.prompt import load_prompt
from tests.integration.tiny_model import CHAT_TEMPLATE, END, START_OF_TURN

PROMPTS = ("visual_clue", "acoustic_clue", "merge", "labels")
BLANK = "Ġ"
"""How byte-level tokenizers write the blank before a word."""
SPREAD = 0.05
WEIGHT_OF_BYTES, WEIGHT_OF_END = 0.3, 1.45


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One token for each byte, and one for each word with the blank before it."""
    texts = [text for name in PROMPTS for text in load_prompt(name).parts.values()]
    words = sorted(set(re.findall(r"[a-z]+", " ".join(texts).lower())))
    symbols = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *(BLANK + word for word in words)]
    vocabulary = {symbol: token for token, symbol in enumerate(symbols)}
    tokenizer = Tokenizer(models.BPE(vocabulary, merges=[], ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        additional_special_tokens=[START_OF_TURN],
        chat_template=CHAT_TEMPLATE,
    )


def write(folder: Path) -> None:
    """Save the model and its tokenizer where vLLM can load them."""
    tokenizer = word_tokenizer()
    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=512,
        intermediate_size=1536,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=64,
        max_position_embeddings=8192,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=False,
        initializer_range=SPREAD,
        dtype=torch.float32,
    )
    model = Qwen3ForCausalLM(config)
    with torch.no_grad():
        head = model.lm_head.weight
        head[: len(pre_tokenizers.ByteLevel.alphabet())] *= WEIGHT_OF_BYTES
        head[tokenizer.eos_token_id] *= WEIGHT_OF_END
        head[tokenizer.convert_tokens_to_ids(START_OF_TURN)] = 0
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
