"""How dates and numbers are spelled in JSON, and which of them a double can hold."""

from __future__ import annotations

import re

DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)", re.ASCII)
EXACT_WHOLE = 2**53  # beyond it, a double is not the integer that was written
EXACT_DIGITS = 15  # significant digits that every double keeps
