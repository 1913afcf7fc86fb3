"""The source root has the name of a standard module and works everywhere; its packages keep to their floors."""

import ast
import platform
import subprocess
import sys
from pathlib import Path

import pytest

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


_USERS = ("client", "serving", "doctor", "demo")
_HEAVIEST = ("ray", "torch")
FORBIDDEN = {
    "clips": ("annotate", "dataset", "evaluation", "model", "training", "inference", *_USERS, *_HEAVIEST),
    "annotate": ("dataset", "evaluation", "model", "training", "inference", *_USERS, *_HEAVIEST),
    "dataset": ("evaluation", "model", "training", "inference", *_USERS, "torch"),
    "evaluation": ("model", "training", "inference", *_USERS, *_HEAVIEST),
    "model": ("annotate", "dataset", "evaluation", "training", "inference", *_USERS, "ray"),
    "training": ("inference", *_USERS),
    "inference": ("training", *_USERS),
    "client": ("annotate", "model", "training", "serving", "doctor", "demo", *_HEAVIEST),
    "serving": ("annotate", "training", "client", "doctor", "demo"),
    "doctor": ("client", "demo"),
    "recipes": (
        *("clips", "annotate", "dataset", "evaluation", "model", "training", "inference"),
        *_USERS,
        *_HEAVIEST,
    ),
}
"""The higher floors, and what is too heavy, that no file of a package imports, not even within a function."""

HTTP = {"fastapi", "starlette", "uvicorn"}
"""What only the service knows."""

_LANGUAGE_MODEL = (
    "checking",
    "vllm",
    "transformers",
    "transformers_chat",
    "transformers_decoding",
    "transformers_loading",
)
EXCEPTIONS = {
    # Leads to the job on Ray, and to the one that asks a service.
    "inference/command.py": {"client"},
    **{f"annotate/language_model/{name}.py": {"torch"} for name in _LANGUAGE_MODEL},
    **{f"annotate/speech_to_text/{name}.py": {"torch"} for name in ("transformers", "vllm")},
}
"""What single files may import all the same: a command, and engines that run a model."""

COMMANDS = (
    "dataset.command",
    "dataset.merge_command",
    "doctor.command",
    "evaluation.agreement_command",
    "evaluation.command",
    "evaluation.split_command",
    "inference.command",
    "training.command",
)
HEAVY = {"ray", "scipy.signal", "torch", "transformers", "deepspeed", "peft"}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_a_package_imports_no_floor_above_it(package: str) -> None:
    folder = PROJECT / "platform" / "affectgpt" / package
    files = sorted(folder.rglob("*.py"))
    assert files
    for file in files:
        imported = imports_of(file)
        names = [name.removeprefix("affectgpt.").partition(".")[0] for name in imported]
        allowed = EXCEPTIONS.get(file.relative_to(folder.parent).as_posix(), set())
        forbidden = (set(FORBIDDEN[package]) | (HTTP if package != "serving" else set())) - allowed
        bad = [whole for whole, name in zip(imported, names, strict=True) if name in forbidden]
        assert not bad, f"{file.relative_to(PROJECT)} imports {bad}"


def imports_of(file: Path) -> list[str]:
    """Give the whole names of all that a file imports, wherever in it."""
    names = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return names


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_starts_without_heavy_imports(name: str) -> None:
    """Nobody who asks for help or is refused should wait for them."""
    script = f"import sys, affectgpt.{name}; print(sorted({HEAVY} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", script], cwd=PROJECT / "tests", capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]"
