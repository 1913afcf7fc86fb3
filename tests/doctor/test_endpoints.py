"""Endpoints, by a connection that is opened and closed."""

from affectgpt.doctor.check import Node
from affectgpt.doctor.endpoints import EndpointsCheck
from affectgpt.doctor.needs import Needs
from tests.annotate.language_model.chat_server import serve
from tests.ports import free_port


def test_who_listens_and_who_does_not() -> None:
    with serve() as server:
        deaf = f"http://127.0.0.1:{free_port()}/v1"
        needs = Needs((), (), endpoints=(server.base_url, deaf))
        seen = EndpointsCheck().look(needs)
        assert not server.asked
    assert seen[server.base_url] == "" and "refused" in seen[deaf]
    findings = EndpointsCheck().judge(needs, {Node("one", "1", "a"): seen})
    assert [finding.state for finding in findings] == ["ok", "failed"]
