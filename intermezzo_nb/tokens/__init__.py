"""Keeping a token: stores, and the one judge of freshness."""

from __future__ import annotations
