"""Clips made for a first run: drawn people who babble sentences with known emotions."""
