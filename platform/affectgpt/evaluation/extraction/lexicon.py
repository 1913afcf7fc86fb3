"""Labels out of free descriptions by the emotion vocabulary: no model, the same on every machine."""

from collections.abc import Callable, Sequence
from typing import Final

from affectgpt.evaluation.extraction.chinese import read_chinese
from affectgpt.evaluation.extraction.english import read_english
from affectgpt.evaluation.extraction.mentions import Mention
from affectgpt.evaluation.text_language import Language, language_of

Progress = Callable[[str], None]

_EVERY: Final = 10_000


def read_description(text: str, language: Language | None = None) -> list[Mention]:
    """Find the words of emotion in a description, each with its standing; None tells the language by the text."""
    return read_chinese(text) if (language or language_of(text)) == "zh" else read_english(text)


def labels_of(mentions: Sequence[Mention]) -> list[str]:
    """Give the base words of the emotions that the speaker is said to have, each once, in the order of the text."""
    return list(dict.fromkeys(mention.word.base for mention in mentions if mention.standing == "held"))


def extract_by_lexicon(
    descriptions: Sequence[str], language: Language | None = None, progress: Progress = lambda line: None
) -> list[list[str]]:
    """Extract the open-vocabulary labels of each description, by the emotion vocabulary.

    Args:
        descriptions: what is read.
        language: of all of them; None tells it of each by itself.
        progress: told now and then how far it is.
    """
    labels = []
    for number, text in enumerate(descriptions, start=1):
        labels.append(labels_of(read_description(text, language)))
        if number % _EVERY == 0:
            progress(f"labels of {number:,} of {len(descriptions):,} descriptions extracted")
    return labels
