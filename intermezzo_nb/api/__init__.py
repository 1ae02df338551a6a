"""Spending a token: requests, pages, frames."""

from __future__ import annotations
