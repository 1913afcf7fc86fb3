"""Every panel of the dashboard shows something: a real Prometheus scrapes a real cluster while jobs run on it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.local.running import LocalCluster, end
from cluster.local.start import start
from tests.annotate.generated.good_model import PROMPTED, answer_well
from tests.annotate.language_model.chat_server import ChatServer, serve
from tests.cluster.dashboards import MONITORING, queries
from tests.integration.conftest import PROJECT
from tests.integration.made import write_clips
from tests.ports import free_port

pytestmark = pytest.mark.cluster

CLIPS = 6
WITHIN_S = 150.0
# Ray forgets a gauge that is not reported for twice as long; its own of a node come every 5 s.
REPORTED_MS = "4000"
# Only machines with GPUs have these.
GPU_PANELS = {"GPU use", "GPU memory"}


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Ask for the value of an expression now; one that does not parse fails."""
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{query}", timeout=10) as response:
            answer = json.load(response)
        assert answer["status"] == "success"
        return answer["data"]["result"]

    def number(self, expression: str) -> float:
        """Ask for a single number; 0 where there is none."""
        result = self.ask(expression)
        return float(result[0]["value"][1]) if result else 0.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_metrics_report_interval_ms", REPORTED_MS)
        started = start(folder, nodes=1, cpus=2)
        yield started
    end(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def prometheus(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Prometheus with the project's configuration, but for where the cluster is and how often it is asked."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("no prometheus; run cluster/install/test-packages.sh")
    folder = tmp_path_factory.mktemp("prometheus")
    settings = yaml.safe_load((MONITORING / "prometheus.yml").read_text())
    settings["global"]["scrape_interval"] = "1s"
    [discovery] = settings["scrape_configs"][0]["file_sd_configs"]
    discovery |= {"files": [f"{cluster.folder}/{Path(discovery['files'][0]).name}"], "refresh_interval": "1s"}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(settings))
    url = f"127.0.0.1:{free_port()}"
    options = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}", f"--web.listen-address={url}"]
    log = (folder / "log").open("w")
    process = subprocess.Popen([program, *options], stdout=log, stderr=subprocess.STDOUT)
    try:
        yield Prometheus(f"http://{url}")
    finally:
        process.kill()
        process.wait()
        log.close()


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with serve(answer_well) as running:
        yield running


@pytest.fixture
def figures(cluster: LocalCluster, tmp_path: Path) -> Iterator[None]:
    """What a training worker and a service measure, by their own classes."""
    command = [sys.executable, "-m", "tests.integration.made_figures", str(tmp_path / "run")]
    environment = os.environ | cluster.client_environment() | {"RAY_metrics_report_interval_ms": REPORTED_MS}
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def building(cluster: LocalCluster, folder: Path, output: Path, chat: ChatServer) -> Iterator[subprocess.Popen[str]]:
    """Run build-dataset on the cluster, with a model that does all steps."""
    model = {"engine": "openai", "model": "tiny", "base_url": chat.base_url}
    settings = [f"models.big={json.dumps(model)}", *(f"steps.{step}={{model: big}}" for step in PROMPTED)]
    settings += ["decode.frames=2", "decode.frame_size=32", "run.clips_per_block=1"]
    options = ["--input", str(folder), "--output", str(output)]
    options += [word for setting in settings for word in ("--set", setting)]
    command = [sys.executable, "-m", "cluster.local.submit", "--folder", cluster.folder, "build-dataset", *options]
    with subprocess.Popen(command, cwd=PROJECT, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_every_panel_shows_something(
    cluster: LocalCluster, prometheus: Prometheus, chat: ChatServer, figures: None, tmp_path: Path
) -> None:
    folder = write_clips(tmp_path / "in", CLIPS)
    (folder / "broken.mp4").write_bytes(b"no clip")
    asked = list(queries())
    assert len(asked) > 20
    unseen = [query for query in asked if query.panel not in GPU_PANELS]
    deadline = time.monotonic() + WITHIN_S
    with building(cluster, folder, tmp_path / "out", chat) as job:
        # Some are there only while the job runs.
        while unseen := [query for query in unseen if not prometheus.ask(query.expression)]:
            assert time.monotonic() < deadline, f"these show nothing: {unseen}"
            time.sleep(0.5)
        assert job.wait(WITHIN_S) == 0
    for query in asked:
        prometheus.ask(query.expression)
    check_numbers(prometheus, len(chat.asked))


def check_numbers(prometheus: Prometheus, replies: int) -> None:
    """See that what was counted is what was done."""
    expected = {
        'ray_affectgpt_clips_total{outcome="annotated"}': CLIPS,
        'ray_affectgpt_clips_total{outcome="rejected",stage="inspect"}': 1,
        'ray_affectgpt_stage_clips_total{stage="merge"}': CLIPS,
        'ray_affectgpt_engine_tokens_total{kind="prompt"}': 7 * replies,
        'ray_affectgpt_engine_tokens_total{kind="completion"}': 3 * replies,
    }
    deadline = time.monotonic() + WITHIN_S
    while wrong := {name: has for name in expected if (has := prometheus.number(f"sum({name})")) != expected[name]}:
        assert time.monotonic() < deadline, f"{wrong} should be {expected}"
        time.sleep(1)
    for name, value in (("loss", 2.5), ("validation_loss", 2.75), ("step_seconds", 0.1), ("samples_per_second", 80)):
        assert prometheus.number(f"ray_affectgpt_training_{name}") == pytest.approx(value), name


def test_a_query_that_does_not_parse_is_noticed(prometheus: Prometheus) -> None:
    with pytest.raises(urllib.error.HTTPError):
        prometheus.ask("sum(")
