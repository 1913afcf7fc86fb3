"""The page as the real application serves it, over a model with canned answers, in a real browser."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Thread
from typing import Any

import pytest
import uvicorn

from affectgpt.serving.http.app import create_app
from affectgpt.serving.service import Service
from affectgpt.serving.settings import Recipe, Settings
from tests.browser import Browser
from tests.serving.page.canned_model import CannedModel
from tests.serving.page.driven_browser import DrivenBrowser


@dataclass(frozen=True, slots=True)
class Served:
    """Where the page is, and the model behind it."""

    url: str
    model: CannedModel


@contextmanager
def serving_page(**settings: Any) -> Iterator[Served]:
    """Serve the page with some settings of the recipe."""
    model = CannedModel()
    service = Service(Settings(model="canned", recipe=Recipe(**settings)), model)
    config = uvicorn.Config(create_app(service, names_requests=True), log_level="warning", timeout_graceful_shutdown=5)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}/", model)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with serving_page() as served:
        yield served


@pytest.fixture(scope="module")
def started(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], DrivenBrowser]]:
    """Start a browser once for all tests; it ends before the service, which waits for those who read its answers."""
    folder = tmp_path_factory.mktemp("driven")
    with ExitStack() as stack:
        yield cache(lambda program: stack.enter_context(DrivenBrowser(program, folder)))


@pytest.fixture
def driven(browser: Browser, started: Callable[[str], DrivenBrowser]) -> DrivenBrowser:
    driven = started(browser.program)
    driven.complaints.clear()
    return driven


@pytest.fixture
def page(driven: DrivenBrowser, served: Served) -> DrivenBrowser:
    """The page, opened."""
    driven.open(served.url)
    return driven
