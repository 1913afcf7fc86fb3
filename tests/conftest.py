"""What all tests share: the browser, and research data, which lies beside the project and never in it."""

import os
import shutil
from pathlib import Path

import pytest

from tests.browser import Browser

PROJECT = Path(__file__).resolve().parents[1]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files whose tests run whole jobs, since they take longest."""
    items.sort(key=lambda item: (PROJECT / "tests" / "integration") not in item.path.parents)


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


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """The machine's Chromium; tests that need it are skipped where there is none."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        pytest.skip("no browser; on Debian: apt-get install --no-install-recommends chromium")
    folder = tmp_path / "browser"
    folder.mkdir()
    return Browser(found[0], folder)
