"""What is taken out of a notebook that is about to be written, and what is not."""

from __future__ import annotations

import copy

import pytest

from intermezzo_nb.notebook.saving import keep_lines_only, saved_as

LINK = "https://issuer.example/authorize?state=abc"


def output(text=LINK, **metadata):
    data = {"text/plain": text, "text/html": f"<a href='{text}'>sign in</a>"}
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def model(*outputs, **more):
    cells = [{"cell_type": "code", "outputs": list(outputs)}, {"cell_type": "markdown"}]
    return {"type": "notebook", "content": {"cells": cells, **more}}


@pytest.mark.parametrize("line", ["Intermezzo: under way.", ""])
def test_of_a_marked_output_the_line_alone_is_kept(line):
    others = [output("mine"), {"output_type": "stream", "text": LINK}]
    saved = model(output(**saved_as(line), isolated=True), *copy.deepcopy(others))
    keep_lines_only(model=saved, path="any.ipynb", contents_manager=None)
    first, *rest = saved["content"]["cells"][0]["outputs"]
    assert first["data"] == {"text/plain": line}
    assert first["metadata"] == {"isolated": True}
    assert rest == others


@pytest.mark.parametrize(
    "content",
    [
        None,
        "text of a file",
        [],
        {},
        {"cells": None},
        {"cells": {"outputs": 1}},
        {"cells": [None, 1, {"outputs": "none"}, {"outputs": [None, 7, {}]}]},
        {"cells": [{"outputs": [{"metadata": None}, {"metadata": ["x"]}]}]},
    ],
)
def test_what_is_no_notebook_or_an_odd_one_stays_as_it_is(content):
    saved = {"type": "notebook", "content": copy.deepcopy(content)}
    keep_lines_only(model=saved)
    assert saved["content"] == content


def test_a_model_without_content_is_no_fault():
    keep_lines_only(model={"type": "directory"})
