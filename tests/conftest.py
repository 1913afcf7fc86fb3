"""Where tests find research data, which lies beside the project and never in it."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with research data; tests that need it are skipped where it is missing."""
    folder = Path(os.environ.get("AFFECTGPT_SHARED", PROJECT.parent / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no research data at {folder}; set AFFECTGPT_SHARED to its folder")
    return folder


@pytest.fixture(scope="session")
def shared_media(shared: Path) -> Path:
    """Real speech and real talking heads."""
    return shared / "media"
