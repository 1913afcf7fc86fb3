"""The source root is called platform, like a module of the standard library; both must work everywhere."""

import platform
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
SHOW = "import platform, affectgpt; print(platform.system(), platform.__file__)"


def test_the_source_root_is_no_package() -> None:
    assert not (PROJECT / "platform" / "__init__.py").exists()


def test_the_standard_library_wins_in_the_project_folder() -> None:
    shown = subprocess.run([sys.executable, "-c", SHOW], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert shown.stdout.split() == [platform.system(), platform.__file__]


def test_it_wins_in_a_script_below_jobs() -> None:
    helped = subprocess.run(
        [sys.executable, "jobs/build_dataset.py", "--help"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert "EMER-Coarse" in helped.stdout


def test_each_package_imports_without_the_floors_above_it() -> None:
    """Lower floors know nothing of higher ones, and neither clips nor annotate nor evaluation knows Ray."""
    forbidden = {
        "clips": ("affectgpt.annotate", "affectgpt.dataset", "affectgpt.evaluation", "ray", "torch"),
        "annotate": ("affectgpt.dataset", "affectgpt.evaluation", "ray", "torch"),
        "dataset": ("affectgpt.evaluation", "affectgpt.demo", "torch"),
        "evaluation": ("affectgpt.demo", "ray", "torch"),
    }
    for package, names in forbidden.items():
        folder = PROJECT / "platform" / "affectgpt" / package
        for file in folder.rglob("*.py"):
            lines = [line.split() for line in file.read_text().splitlines()]
            imported = [words[1] for words in lines if words[:1] in (["import"], ["from"])]
            bad = [name for name in imported if name.startswith(names)]
            assert not bad, f"{file.relative_to(PROJECT)} imports {bad}"
