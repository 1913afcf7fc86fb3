"""How alike the texts are that two data sets have for the same clips, by their words."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from affectgpt.evaluation.set_metrics import Floats, Integers

_ROWS_AT_ONCE: Final = 2048
_HAN: Final = r"(\p{Han})"
_OTHER_SIGNS: Final = r"[^\x00-\x7F\pL\pN\pM]+"
_BLANKED: Final = bytes(code if code >= 0x80 or chr(code).isalnum() else 0x20 for code in range(256))


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """The words of two texts for each of N clips.

    Attributes:
        first: how many words the first has, of shape (N,).
        second: likewise.
        common: how many they share, each as often as both have it.
    """

    first: Integers
    second: Integers
    common: Integers

    @property
    def f1(self) -> Floats:
        """F1 of the words, NaN where a text is missing or without words; of shape (N,).

        ROUGE-1 without stemming (Lin, ROUGE: A Package for Automatic Evaluation of Summaries, 2004): with recall the
        share of one text's words that the other has, and precision the reverse, F1 = 2 common / (first + second).
        """
        known = (self.first > 0) & (self.second > 0)
        return np.where(known, 2 * self.common / np.maximum(self.first + self.second, 1), np.nan)


def word_overlap(first: pa.ChunkedArray, second: pa.ChunkedArray) -> Overlap:
    """Count the words of texts and those that they share, row by row.

    A word is a run of letters and digits in lower case; a Chinese character is a word by itself.

    Args:
        first: N texts; None is one without words.
        second: N texts.
    """
    parts = [
        _overlap(*(side.slice(start, _ROWS_AT_ONCE).cast(pa.string()).combine_chunks() for side in (first, second)))
        for start in range(0, len(first), _ROWS_AT_ONCE)
    ]
    columns = np.hstack(parts) if parts else np.zeros((3, 0), np.int64)
    return Overlap(*columns)


def _overlap(first: pa.StringArray, second: pa.StringArray) -> Integers:
    """Give the three counts of ``Overlap``, of shape (3, N)."""
    lists = [_words(side) for side in (first, second)]
    words = pa.chunked_array([side.flatten() for side in lists]).combine_chunks().dictionary_encode()
    sizes = [pc.list_value_length(side).to_numpy(zero_copy_only=False).astype(np.int64) for side in lists]
    known = max(len(words.dictionary), 1)
    # Four bytes where that has room in them: moving the keys is most of the work.
    room = np.int32 if 2 * len(first) * known < np.iinfo(np.int32).max else np.int64
    starts = np.arange(len(first), dtype=room) * known
    keys = 2 * (np.concatenate([np.repeat(starts, of_side) for of_side in sizes]) + words.indices.to_numpy())
    keys[int(sizes[0].sum()) :] += 1
    # One sort brings a word's occurrences in a row together, the first side's before the second's.
    distinct, counts = np.unique(keys, return_counts=True)
    at = np.flatnonzero((distinct[:-1] ^ distinct[1:]) == 1)
    shared = np.minimum(counts[at], counts[at + 1])
    common = np.bincount(distinct[at] // (2 * known), weights=shared, minlength=len(first)).astype(np.int64)
    return np.stack([*sizes, common])


def _words(texts: pa.StringArray) -> pa.ListArray:
    lowered = pc.utf8_lower(pc.fill_null(texts, ""))
    spaced = pc.replace_substring_regex(lowered, pattern=_HAN, replacement=r" \1 ")
    plain = pc.replace_substring_regex(spaced, pattern=_OTHER_SIGNS, replacement=" ")
    # Replacing each sign of ASCII by itself takes many times less than a regular expression does.
    _, offsets, data = plain.buffers()
    blanked = b"" if data is None else data.to_pybytes().translate(_BLANKED)
    words = pa.StringArray.from_buffers(len(plain), offsets, pa.py_buffer(blanked), offset=plain.offset)
    return _without_blanks(pc.ascii_split_whitespace(words))


def _without_blanks(lists: pa.ListArray) -> pa.ListArray:
    """Drop the empty words that stand where a text begins or ends with a blank."""
    values = lists.flatten()
    kept = pc.not_equal(values, "").to_numpy(zero_copy_only=False)
    before = np.concatenate([[0], np.cumsum(kept)])
    sizes = pc.list_value_length(lists).to_numpy(zero_copy_only=False)
    ends = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    return pa.ListArray.from_arrays(pa.array(before[ends], pa.int32()), values.filter(pa.array(kept)))
