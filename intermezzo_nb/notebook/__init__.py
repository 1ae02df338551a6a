"""Showing it: the only rooms that know Jupyter."""

from __future__ import annotations
