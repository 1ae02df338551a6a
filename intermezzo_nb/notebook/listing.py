"""How a list of what there is to read is shown: whole, whatever pandas would cut."""

from __future__ import annotations

import shutil
import textwrap

import pandas as pd

_WHOLE = ("display.max_colwidth", None, "display.max_rows", None)


class Listing(pd.DataFrame):  # type: ignore[misc]  # pandas carries no types
    """A table of texts for a person; what is computed from it is a plain one."""

    def __repr__(self) -> str:
        width = shutil.get_terminal_size().columns
        return "\n".join(
            textwrap.fill(
                " · ".join(text for text in row if text),
                width,
                subsequent_indent="    ",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for row in self.itertuples(index=False)
        )

    def _repr_html_(self) -> str | None:
        # For the time of the drawing alone: other tables are shown as people set it.
        with pd.option_context(*_WHOLE):
            html: str | None = super()._repr_html_()
        return html
