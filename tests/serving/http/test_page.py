from importlib import resources

import pytest
from fastapi.testclient import TestClient


@pytest.fixture(scope="module")
def names() -> list[str]:
    folder = resources.files("affectgpt.serving") / "page"
    names = [file.name for file in folder.iterdir() if file.is_file()] if folder.is_dir() else []
    if "index.html" not in names:
        pytest.skip("the package was installed without its page")
    return names


def test_the_page_and_its_files_load_nothing_from_elsewhere(client: TestClient, names: list[str]) -> None:
    index = client.get("/")
    assert index.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'self'" in index.headers["Content-Security-Policy"]
    kinds = {name: client.get(f"/page/{name}").headers["Content-Type"] for name in names}
    for name, kind in kinds.items():
        assert kind != "application/octet-stream", name
    assert all(kind.startswith("text/javascript") for name, kind in kinds.items() if name.endswith(".js"))
