"""The monitoring files agree with each other, with the metrics that there are, and with Prometheus."""

import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cluster.dashboards import DASHBOARDS, MONITORING, dashboard, queries

PLATFORM = Path(__file__).resolve().parents[2] / "platform" / "affectgpt"
# Figures that no panel shows: they are sums of what panels show.
NOT_SHOWN = {"affectgpt_batch_seconds"}


def declared() -> set[str]:
    """The names of the metrics that the platform has."""
    names = set()
    for file in PLATFORM.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        if "metrics import" in text and "ray" in text:
            names |= set(re.findall(r'(?:Counter|Gauge|Histogram)\(\s*"(affectgpt_\w+)"', text))
            names |= {f"affectgpt_training_{name}" for name in re.findall(r'_gauge\("(\w+)"', text)}
    return names


def shown() -> set[str]:
    """The names of the platform's metrics that the dashboards ask for, without what Prometheus adds."""
    asked = {name for query in queries() for name in re.findall(r"ray_(affectgpt_\w+)", query.expression)}
    return {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked}


def test_dashboards_ask_for_metrics_that_there_are_and_for_all_of_them() -> None:
    assert shown() == declared() - NOT_SHOWN


def test_panels_have_a_place_of_their_own() -> None:
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    for one, other in combinations((panel["gridPos"] for panel in panels), 2):
        apart_x = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        apart_y = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert apart_x or apart_y, (one, other)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_variables_of_panels_are_those_of_the_dashboard() -> None:
    board = dashboard()
    names = {variable["name"] for variable in board["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", str(board["panels"]))) - {"__rate_interval"}
    assert used == names


def test_what_grafana_is_told() -> None:
    provisioning = MONITORING / "grafana" / "provisioning"
    [provider] = yaml.safe_load((provisioning / "dashboards" / "affectgpt.yml").read_text())["providers"]
    assert provider["options"]["path"] == "${DASHBOARDS}" and list(DASHBOARDS.glob("*.json"))
    [source] = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("no promtool; run cluster/install/test-packages.sh")
    return found


@pytest.mark.parametrize("name", ["prometheus.yml", "prometheus-kuberay.yml"])
def test_prometheus_takes_its_configuration(name: str, promtool: str, tmp_path: Path) -> None:
    """Debian's Prometheus knows no Kubernetes: everything but the discovery of pods is checked."""
    settings: dict[str, Any] = yaml.safe_load((MONITORING / name).read_text())
    for scraped in settings["scrape_configs"]:
        if scraped.pop("kubernetes_sd_configs", None):
            scraped["static_configs"] = [{"targets": ["localhost:8080"]}]
    file = tmp_path / name
    file.write_text(yaml.safe_dump(settings))
    checked = subprocess.run([promtool, "check", "config", file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_pods_are_found_by_the_labels_and_ports_that_kuberay_gives_them() -> None:
    [scraped] = yaml.safe_load((MONITORING / "prometheus-kuberay.yml").read_text())["scrape_configs"]
    [discovery] = scraped["kubernetes_sd_configs"]
    assert discovery["role"] == "pod"
    assert discovery["selectors"] == [{"role": "pod", "label": "ray.io/is-ray-node=yes"}]
    [keep] = [rule for rule in scraped["relabel_configs"] if rule.get("action") == "keep"]
    assert re.fullmatch(keep["regex"], "metrics") and not re.fullmatch(keep["regex"], "dashboard")
