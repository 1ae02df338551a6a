"""What a notebook's file keeps of an output that is not to be kept as it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_MARK = "intermezzo_saved_as"


def saved_as(text: str) -> dict[str, str]:
    """
    Give the metadata of an output of which the file is to keep only a line.

    Who shows it replaces it at its end. Until then a notebook may be saved, copied as
    a checkpoint, and outlive its kernel.

    Parameters
    ----------
    text : str
        The line; empty for nothing.
    """
    return {_MARK: text}


def keep_lines_only(*, model: Mapping[str, Any], **_: Any) -> None:
    """
    Replace such outputs by their lines, in a notebook that is about to be written.

    It is a hook that a Jupyter server calls before each save.

    Parameters
    ----------
    model : mapping
        What is saved; a notebook's outputs are changed in place.
    """
    for output in _outputs(model.get("content")):
        metadata = output.get("metadata")
        if isinstance(metadata, dict) and _MARK in metadata:
            output["data"] = {"text/plain": str(metadata.pop(_MARK))}


def _outputs(content: Any) -> Iterator[dict[str, Any]]:
    """Give the outputs of whatever is saved; none of a file that is no notebook."""
    for cell in _objects(content, "cells"):
        yield from _objects(cell, "outputs")


def _objects(holder: Any, name: str) -> Iterator[dict[str, Any]]:
    listed = holder.get(name) if isinstance(holder, dict) else None
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, dict):
            yield item
