"""A tiny model of the Whisper family, drawn at random and saved as a complete folder."""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    GenerationConfig,
    PreTrainedTokenizerFast,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from tests.model.tiny import SENTENCES

LANGUAGES = ("en", "zh", "de")
SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{name}|>" for name in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
]


def tiny_whisper(folder: Path, multilingual: bool = True) -> Path:
    """Whisper, which writes at most 24 tokens of nonsense; without ``multilingual`` it knows no languages."""
    tokenizer = _tokenizer()
    ids = dict(zip(SPECIAL, tokenizer.convert_tokens_to_ids(SPECIAL), strict=True))
    torch.manual_seed(6)
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        num_mel_bins=80,
        d_model=64,
        encoder_layers=1,
        decoder_layers=2,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_source_positions=1500,
        max_target_positions=32,
        pad_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
        # Large enough that random weights tell sounds apart.
        init_std=0.5,
    )
    model = WhisperForConditionalGeneration(config)
    settings = {
        "eos_token_id": config.eos_token_id,
        "pad_token_id": config.pad_token_id,
        "decoder_start_token_id": config.decoder_start_token_id,
        "no_timestamps_token_id": ids["<|notimestamps|>"],
        "suppress_tokens": sorted(set(ids.values()) - {config.eos_token_id}),
        "begin_suppress_tokens": [config.eos_token_id],
        "is_multilingual": multilingual,
    }
    if multilingual:
        settings["lang_to_id"] = {f"<|{name}|>": ids[f"<|{name}|>"] for name in LANGUAGES}
        settings["task_to_id"] = {task: ids[f"<|{task}|>"] for task in ("translate", "transcribe")}
    model.generation_config = GenerationConfig(**settings)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    extractor = WhisperFeatureExtractor(feature_size=config.num_mel_bins)
    extractor.save_pretrained(folder)
    (folder / "processor_config.json").write_text(json.dumps({"processor_class": "WhisperProcessor"}))
    return folder


def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=320, show_progress=False, initial_alphabet=alphabet)
    tokenizer.train_from_iterator(SENTENCES, trainer)
    tokenizer.add_special_tokens(SPECIAL)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=SPECIAL[0],
        pad_token=SPECIAL[0],
        bos_token=SPECIAL[0],
        unk_token=SPECIAL[0],
    )
