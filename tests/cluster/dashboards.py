"""What the dashboards ask Prometheus."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MONITORING = Path(__file__).resolve().parents[2] / "cluster" / "monitoring"
DASHBOARDS = MONITORING / "grafana" / "dashboards"
# What Grafana puts in their place, as it does where all runs are chosen.
VARIABLES = {"$__rate_interval": "1m", "$run": ".*", "$training": ".*"}


@dataclass(frozen=True)
class Query:
    """One query of a panel: the row that it stands in, its panel's title, and what it says."""

    row: str
    panel: str
    expression: str


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    return json.loads((DASHBOARDS / "affectgpt.json").read_text(encoding="utf-8"))


def queries() -> Iterator[Query]:
    """All queries, with variables filled in."""
    row = ""
    for panel in dashboard()["panels"]:
        if panel["type"] == "row":
            row = panel["title"]
            continue
        for target in panel["targets"]:
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield Query(row, panel["title"], expression)
