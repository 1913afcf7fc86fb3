"""A trained AffectGPT at work: ``AffectGPT`` from Python, ``describe`` for many clips on Ray."""

from typing import TYPE_CHECKING, Any

from affectgpt.inference.description import Description

if TYPE_CHECKING:
    from affectgpt.inference.affectgpt import AffectGPT

__all__ = ["AffectGPT", "Description"]


def __getattr__(name: str) -> Any:
    # torch and transformers take seconds to import, which a command that refuses its request should not cost.
    if name == "AffectGPT":
        from affectgpt.inference.affectgpt import AffectGPT

        return AffectGPT
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
