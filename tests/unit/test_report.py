"""The reports of what was sent: their help tells what they hold."""

from __future__ import annotations

import inspect

import pytest

from intermezzo_nb.api.payslips import PayrollReport
from intermezzo_nb.api.report import SendReport


@pytest.mark.parametrize("kind", [SendReport, PayrollReport])
def test_the_help_of_a_report_names_each_attribute(kind):
    own = [n for n in vars(kind) if isinstance(vars(kind)[n], property)]
    named = inspect.getdoc(kind).partition("Attributes")[2]
    assert own
    assert [n for n in own if not n.startswith("_") and n not in named] == []
