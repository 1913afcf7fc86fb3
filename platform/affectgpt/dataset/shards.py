"""Shards of a data set: stable parts of its input, each built by a run of its own below ``<output>/shards/``."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from affectgpt.clips.sources import asked_id
from affectgpt.errors import RequestError

SHARDS = "shards"
_TEXT = re.compile(r"(\d{1,6})/(\d{1,6})")
_FOLDER = re.compile(r"(\d+)-of-(\d+)")


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """One of several parts of an input.

    Attributes:
        number: which of them, from 1.
        count: how many there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``i/N``, with i from 1 to N.

        Raises:
            RequestError: it is something else.
        """
        found = _TEXT.fullmatch(text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise RequestError(f"--shard {text}: write i/N, with i from 1 to N, for example 1/16")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of_folder(cls, name: str) -> Self | None:
        """Read the name of a shard's folder, or return None where it is another."""
        found = _FOLDER.fullmatch(name)
        return None if found is None else cls(int(found[1]), int(found[2]))

    @property
    def folder(self) -> str:
        """Its folder below ``shards/``."""
        return f"{self.number:04d}-of-{self.count:04d}"

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def holds(self, source_id: str) -> bool:
        """Whether a source belongs to it; each belongs to exactly one, with the others that asked for the same id."""
        digest = hashlib.sha256(asked_id(source_id).encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.number - 1
