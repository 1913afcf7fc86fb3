"""The files of one request, which lie on this machine only as long as it is worked on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Parcel:
    """What a request sent or had fetched.

    Attributes:
        folder: where the files lie.
        clip: a video or a sound, or None.
        sound: a sound that takes the place of the clip's, or None.
        pictures: pictures that take the place of the clip's.
    """

    folder: Path
    clip: Path | None = None
    sound: Path | None = None
    pictures: list[Path] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to describe."""
        return self.clip is None and self.sound is None and not self.pictures


@contextmanager
def new_parcel() -> Iterator[Parcel]:
    """Make a folder for the files of a request, and delete it with them, whatever happens."""
    with tempfile.TemporaryDirectory(prefix="affectgpt-request-") as folder:
        yield Parcel(Path(folder))
