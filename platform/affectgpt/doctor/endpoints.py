"""Endpoints of models: whether each node can open a connection to them."""

import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from affectgpt.doctor.check import Check, Finding, Node
from affectgpt.doctor.needs import Needs

_CONNECT_S = 5.0
_PORTS = {"http": 80, "https": 443}


class EndpointsCheck(Check[Mapping[str, str]]):
    """Whether each node reaches the endpoints that the recipe names; nothing is asked of a model."""

    name = "endpoints"

    def look(self, needs: Needs) -> Mapping[str, str]:
        """Connect to each endpoint from here; an empty text says that it answers."""
        return {url: _trouble(url) for url in needs.endpoints}

    def judge(self, needs: Needs, seen: Mapping[Node, Mapping[str, str]]) -> list[Finding]:
        """Say of each endpoint who reaches it not."""
        findings = []
        for url in needs.endpoints:
            troubles = {node.name: here[url] for node, here in seen.items() if here[url]}
            remedy = "see that its server runs, and that this node may connect to it; localhost is another on each node"
            findings += [self.failed(name, f"{url}: {trouble}", remedy) for name, trouble in troubles.items()]
            if seen and not troubles:
                findings.append(self.ok(f"{url} takes connections"))
        return findings


def _trouble(url: str) -> str:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or _PORTS[parts.scheme]), timeout=_CONNECT_S):
            return ""
    except OSError as error:
        return str(error)
