"""Intermezzo payroll data as pandas DataFrames, in any notebook."""

from __future__ import annotations

__version__ = "0.1.0"
