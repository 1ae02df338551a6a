"""Getting a token: the RFCs and nothing else."""

from __future__ import annotations
