import pytest
from transformers import AutoTokenizer

from affectgpt.model.prompt import SLOTS, render
from affectgpt.model.tokenizer import LEAST_VOCABULARY, add_slots, learn_tokenizer
from tests.model.chat_tokenizer import TEXTS, chat_tokenizer


@pytest.mark.parametrize("text", ["She smiles.", "她面带微笑。", "naïve 😀\tand\nmore", "ⴰⵣⵓⵍ"])
def test_any_text_can_be_written_and_read_back(text):
    tokenizer = learn_tokenizer(TEXTS, 400)

    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) == text


def test_frequent_words_become_few_tokens():
    small, large = learn_tokenizer(TEXTS, LEAST_VOCABULARY), learn_tokenizer(TEXTS, 400)

    assert len(small) == LEAST_VOCABULARY
    assert len(large.encode(TEXTS[0])) < len(small.encode(TEXTS[0])) < len(TEXTS[0])


def test_the_same_texts_give_the_same_tokenizer():
    assert learn_tokenizer(iter(TEXTS), 400).get_vocab() == learn_tokenizer(TEXTS, 400).get_vocab()


def test_special_tokens_are_one_token_each_and_all_different():
    tokenizer = learn_tokenizer(TEXTS, 400)
    special = [tokenizer.pad_token, tokenizer.bos_token, tokenizer.eos_token, *SLOTS.values()]
    ids = tokenizer.encode("".join(special), add_special_tokens=False)

    assert tokenizer.convert_ids_to_tokens(ids) == special
    assert tokenizer.decode(ids, skip_special_tokens=True) == ""


def test_it_is_saved_and_loaded_whole(tmp_path):
    tokenizer = learn_tokenizer(TEXTS, 400, longest=128)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)

    assert loaded.model_max_length == 128
    assert loaded.encode(f"{TEXTS[0]}<|audio|>{TEXTS[1]}") == tokenizer.encode(f"{TEXTS[0]}<|audio|>{TEXTS[1]}")
    assert render(loaded, "Why?") == render(tokenizer, "Why?")


def test_no_text_and_no_room_are_refused():
    with pytest.raises(ValueError, match="no text"):
        learn_tokenizer([], 400)
    with pytest.raises(ValueError, match="no text"):
        learn_tokenizer(["", ""], 400)
    with pytest.raises(ValueError, match=f"100.*at least {LEAST_VOCABULARY}"):
        learn_tokenizer(TEXTS, 100)


def test_a_pretrained_tokenizer_gets_slots_and_padding_and_keeps_what_it_has(tmp_path):
    tokenizer = chat_tokenizer()
    before, template = tokenizer.encode(TEXTS[0]), tokenizer.chat_template
    add_slots(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)

    assert loaded.encode(TEXTS[0]) == before and loaded.chat_template == template
    assert loaded.pad_token == tokenizer.eos_token
    for slot in SLOTS.values():
        assert len(loaded.encode(slot, add_special_tokens=False)) == 1
        assert loaded.decode(loaded.encode(slot, add_special_tokens=False), skip_special_tokens=True) == ""


def test_slots_are_added_once():
    tokenizer = chat_tokenizer()
    add_slots(tokenizer)
    size = len(tokenizer)
    add_slots(tokenizer)

    assert len(tokenizer) == size


def test_a_tokenizer_without_an_end_is_refused():
    tokenizer = chat_tokenizer()
    tokenizer.eos_token = None

    with pytest.raises(ValueError, match="eos_token"):
        add_slots(tokenizer)
