"""Thousands of real clips out of a few: copies that differ in content behind their end, where no player looks."""

import os
from pathlib import Path

from tests.integration.made import write_clip

PROJECT = Path(__file__).resolve().parents[1]


def real_clips() -> list[Path]:
    """The real talking heads beside the project; none where they are missing."""
    shared = Path(os.environ.get("AFFECTGPT_SHARED", PROJECT.parent / "shared"))
    return sorted((shared / "media" / "grid").glob("*.mpg"))


def write_copies(folder: Path, count: int) -> str:
    """Write ``count`` clips and say what they are copies of."""
    folder.mkdir(parents=True)
    originals = real_clips()
    what = "real talking heads"
    if not originals:
        originals = [write_clip(folder.parent / f"made-{seed}.mp4", seed=seed, seconds=3.0) for seed in range(11)]
        what = "made clips, since the real ones are missing"
    for number in range(count):
        original = originals[number % len(originals)]
        (folder / f"{number:05d}{original.suffix}").write_bytes(original.read_bytes() + number.to_bytes(8, "big"))
    return what
