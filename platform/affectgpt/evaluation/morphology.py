"""English inflection and derivation, undone by rule: from a surface form to the base words it may come from."""

from collections.abc import Iterator
from typing import Final

_VOWELS: Final = frozenset("aeiouy")
_ADVERBS: Final = (("ically", "ic"), ("ily", "y"), ("ly", ""), ("ly", "le"), ("ly", "l"))
_NOUNS: Final = (("iness", "y"), ("ness", ""))
_VERBS: Final = (("ies", "y"), ("ied", "y"), ("es", ""), ("s", ""), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"))
_COMPARISONS: Final = (("ier", "y"), ("iest", "y"), ("er", ""), ("er", "e"), ("est", ""), ("est", "e"))
_ENDINGS: Final = (*_ADVERBS, *_NOUNS, *_VERBS, *_COMPARISONS)
_SPELLINGS: Final = (("isation", "ization"), ("ise", "ize"), ("ising", "izing"), ("ised", "ized"), ("our", "or"))
_SHORTEST: Final = 3
_STEPS: Final = 2


def base_words(form: str) -> Iterator[str]:
    """Yield what a word may be a form of, nearest first, itself included; most of them are no words at all.

    ``happily`` gives ``happy``, ``worriedly`` gives ``worried`` and then ``worry``. The caller keeps the first that its
    vocabulary knows, so a rule that is too free does no harm.

    Args:
        form: one word in lower case.
    """
    seen: dict[str, None] = {form: None}
    ring = [form]
    for _ in range(_STEPS):
        ring = [base for word in ring for base in _undone(word) if base not in seen]
        seen.update(dict.fromkeys(ring))
    yield from seen


def _undone(word: str) -> Iterator[str]:
    """Undo one ending or one British spelling."""
    for ending, replacement in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _SHORTEST or not _VOWELS.intersection(stem + replacement):
            continue
        yield stem + replacement
        if not replacement and ending[0] in _VOWELS and stem[-1] == stem[-2] not in _VOWELS:
            yield stem[:-1]
    for british, american in _SPELLINGS:
        if british in word:
            yield word.replace(british, american)
