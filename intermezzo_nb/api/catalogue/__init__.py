"""What the API documents, as data: a room a topic, nothing but resources."""

from __future__ import annotations
