"""The practice authorization server and payroll API; imports nothing of ours."""

from __future__ import annotations
