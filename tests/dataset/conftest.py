"""A finished build's report, and a real browser to look at pages with."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

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


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    """The machine's Chromium; tests that need it are skipped where there is none."""
    found = [path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))]
    if not found:
        pytest.skip("no browser; on Debian: apt-get install --no-install-recommends chromium")
    folder = tmp_path / "browser"
    folder.mkdir()
    return Browser(found[0], folder)


@pytest.fixture
def report() -> dict[str, Any]:
    """The content of report.json after a build of 52 clips."""
    return {
        "pipeline_version": "0.1.0",
        "created_at": "2026-05-03T14:05:11+00:00",
        "inputs": 52,
        "annotated": 48,
        "filtered": 2,
        "rejected": 2,
        "annotated_this_run": 48,
        "annotated_before": 0,
        "reasons": [
            {"outcome": "rejected", "stage": "inspect", "reason": "not-media", "count": 2},
            {"outcome": "filtered", "stage": "plan", "reason": "duplicate", "count": 2},
        ],
        "stages": [
            {"name": "decode", "seconds": 1.9, "clips": 50, "clips_per_second": 26.3, "share": 0.31},
            {"name": "visual_clue", "seconds": 4.2, "clips": 48, "clips_per_second": 11.4, "share": 0.69},
        ],
        "bottleneck": "visual_clue",
        "wall_s": 21.3,
        "start_up_s": 7.9,
        "clips_per_second": 3.6,
        "labels": [{"label": f"label {place}", "count": 40 - place} for place in range(35)],
        "distinct_labels": 35,
        "duration_s": {
            "total": 130.2,
            "min": 0.8,
            "median": 2.9,
            "max": 6.0,
            "edges": [0.0, 1.5, 3.0, 4.5, 6.0],
            "counts": [4, 30, 12, 2],
        },
        "languages": {"en": 40, "zh": 8, "unknown": 0},
        "modalities": {"video+sound+subtitle": 40, "video+sound": 8},
        "recipe": {
            "decode": {"frames": 8},
            "steps": {"visual_clue": {"engine": "signal"}, "merge": {"engine": "openai"}},
        },
        "output": "/data/emer-coarse",
        "versions": {"ray": "2.60.0"},
    }


@pytest.fixture
def empty_report(report: dict[str, Any]) -> dict[str, Any]:
    """The content of report.json after a build that annotated nothing: all of its 3 clips were rejected at once."""
    durations = {"total": None, "min": None, "median": None, "max": None, "edges": [], "counts": []}
    nothing = {"annotated": 0, "filtered": 0, "annotated_this_run": 0, "labels": [], "distinct_labels": 0, "stages": []}
    unknown = {"bottleneck": None, "clips_per_second": None, "start_up_s": None, "languages": {}, "modalities": {}}
    reasons = [{"outcome": "rejected", "stage": "inspect", "reason": "not-media", "count": 3}]
    return {**report, **nothing, **unknown, "inputs": 3, "rejected": 3, "reasons": reasons, "duration_s": durations}
