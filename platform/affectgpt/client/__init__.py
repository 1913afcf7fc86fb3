"""Asks a running service, from any machine: neither Ray nor a model is needed here.

``Client`` is for Python programs; ``affectgpt.client.describing`` is what ``describe --server`` does.
"""

from affectgpt.client.answer import Answer, FoundClip
from affectgpt.client.client import Client
from affectgpt.client.errors import ServiceError

__all__ = ["Answer", "Client", "FoundClip", "ServiceError"]
