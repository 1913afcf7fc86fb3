"""A real browser to look at pages with, and a parser that reads them."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

# Everything that would make the browser itself talk to the network is off.
QUIET_BROWSER = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--hide-scrollbars",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--v=0",
)

# The page under test is framed unchanged, with its own content security policy; only this outer page has a script.
PROBE = """<!DOCTYPE html><meta charset="utf-8">
<style>body {{ margin: 0 }} iframe {{ border: 0; width: {width}px; height: 2000px }}</style>
<iframe srcdoc="{page}"></iframe><pre></pre>
<script>
addEventListener("load", () => {{
  const view = document.querySelector("iframe").contentWindow, page = view.document
  const boxes = [page.documentElement, ...page.querySelectorAll(".card")]
  const wide = () => boxes.filter(e => e.scrollWidth > e.clientWidth)
  const overflowing = wide().length
  page.querySelectorAll("details").forEach(e => e.open = true)
  document.querySelector("pre").textContent = JSON.stringify({{
    width: view.innerWidth,
    overflowing,
    overflowing_opened: wide().length,
    images: [...page.images].map(e => [e.naturalWidth, e.naturalHeight, e.clientWidth]),
    charts: [...page.querySelectorAll("svg")].map(e => e.getBoundingClientRect().width),
    styled: view.getComputedStyle(page.body).maxWidth,
    requests: view.performance.getEntriesByType("resource").map(e => e.name).filter(e => !e.startsWith("data:")),
  }})
}})
</script>"""


# Text that would break out of its place on a page, or stretch it.
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=https://evil.example/x onerror=alert(1)>"
    + "W" * 400
    + " \u202eשלום עולם\u0000\u0007\u009b\ud800 🎭 {{ 7 * 7 }}"
)


class Page(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.pieces: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)

    @property
    def words(self) -> str:
        """The text with one space between words and between elements."""
        return " ".join(" ".join(self.pieces).split())

    @property
    def text(self) -> str:
        """The text as it is."""
        return "".join(self.pieces)

    def attributes(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def section(source: str, identity: str) -> str:
    """Cut a section out of a page's source."""
    found = re.search(rf'<section id="{identity}".*?</section>', source, re.DOTALL)
    assert found
    return found[0]


@dataclass(frozen=True, slots=True)
class Browser:
    """A Chromium that starts afresh, with an empty profile, for each page."""

    program: str
    folder: Path

    def probe(self, page: str, width: int) -> dict[str, Any]:
        """Lay a page out at a width in pixels and measure it; "console" has what the browser complained about."""
        outer = self.folder / "probe.html"
        outer.write_text(PROBE.format(width=width, page=html.escape(page)), encoding="utf-8")
        run = self._run("--dump-dom", outer)
        measured = re.search(r"<pre>(.+?)</pre>", run.stdout)
        assert measured, f"the browser did not show the page: {run.stdout[-500:]}\n{run.stderr[-2000:]}"
        return {**json.loads(html.unescape(measured[1])), "console": _console(run.stderr)}

    def screenshot(self, page: str, picture: Path, width: int, height: int) -> list[str]:
        """Save a picture of a page and return what the browser complained about."""
        file = self.folder / "page.html"
        file.write_text(page, encoding="utf-8")
        run = self._run(f"--screenshot={picture}", f"--window-size={width},{height}", file)
        return _console(run.stderr)

    def _run(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        profile = self.folder / "profile"
        shutil.rmtree(profile, ignore_errors=True)
        command = [self.program, *QUIET_BROWSER, f"--user-data-dir={profile}", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def _console(log: str) -> list[str]:
    return [line for line in log.splitlines() if "CONSOLE" in line]
