"""What became of a payroll run: payslips and their lines, typed."""

from __future__ import annotations

import warnings
from typing import Any

import pandas as pd

from ..errors import IncompleteWarning, SendFailed
from .countries import EMPLOYEE_ID
from .frames import to_frame
from .outcomes import CREATED
from .payroll import line_records, payslip_records
from .progress import plural
from .report import SendReport
from .resources import PAYSLIP_LINES
from .schema import Resource

_ELSEWHERE = (
    "They come with the answer to a run alone, and this report does not hold it; a "
    "journal keeps no amounts, and the API lists no payslips."
)
_ONCE = "they came with this answer alone, and the API lists none"


class PayrollReport(SendReport):
    """
    What became of a payroll run: as of what is sent, for each employee.

    Attributes
    ----------
    payslips, succeeded : pandas.DataFrame
        A row for each payslip: ``employeeId``, ``paymentPeriod`` and the amounts that
        the country documents; of a British run ``runId`` and ``status``, too.
    lines : pandas.DataFrame
        ``employeeId``, ``kind``, ``name`` and ``amount``, as far as the answer lists
        lines: deductions and reimbursements are documented.
    errors : pandas.DataFrame
        ``label``, ``employeeId`` and ``message``.
    run : dict
        What the API says of the run itself: its id, reference and status.
    money : {"float", "decimal"}
        The type of money in the frames; exact control totals are in their attrs.

    Of whom an earlier run has paid, or somebody has found, no payslip is here:
    ``payslips`` and ``lines`` raise :class:`SendFailed` where there is none at all,
    and else warn by :class:`IncompleteWarning`.
    """

    money: str = "float"

    @property
    def run(self) -> dict[str, Any]:
        run = self._answer.get("run")
        return dict(run) if isinstance(run, dict) else {}

    @property
    def payslips(self) -> pd.DataFrame:
        """A row for each payslip that came back, typed."""
        self._insist_on_payslips()
        return self._typed(payslip_records(self._answer, self._created), self._created)

    succeeded = payslips

    @property
    def lines(self) -> pd.DataFrame:
        """
        A row for each line of the payslips: employeeId, kind, name and amount.

        The API documents deductions and reimbursements; earnings and benefits are here
        where its answer lists them, and else summed in :attr:`payslips`.
        """
        self._insist_on_payslips()
        return self._typed(line_records(self._answer), PAYSLIP_LINES)

    def _advice(self, at: str = "") -> list[str]:
        told = super()._advice(at)
        if any(self._are_here()):
            told.insert(0, f"Write {at}.payslips to a file now: {_ONCE}.")
        return told

    def _are_here(self) -> list[bool]:
        """Tell of each who was paid whether the payslip is here."""
        created = self._delivery.places(CREATED)
        records = (self._delivery.outcomes[at].record or {} for at in created)
        return [EMPLOYEE_ID in record for record in records]

    def _insist_on_payslips(self) -> None:
        are_here = self._are_here()
        missing = are_here.count(False)
        if not missing:
            return
        paid = plural(missing, "employee")
        what = f"payslips of {paid} who were paid are not in this report"
        if any(are_here):
            warnings.warn(f"{what}. {_ELSEWHERE}", IncompleteWarning, stacklevel=3)
            return
        advice = "Read them in Intermezzo, and write those of a run to a file at once."
        raise SendFailed(
            what, why=_ELSEWHERE, advice=advice, code="payslips_elsewhere", report=self
        )

    def _typed(self, records: list[dict[str, Any]], resource: Resource) -> pd.DataFrame:
        framed = to_frame(records, resource, money=self.money)
        framed.frame.attrs["intermezzo"] = {
            "resource": resource.name,
            "rows": len(framed.frame),
            "control_totals": framed.control_totals,
            "notes": framed.notes,
        }
        return framed.frame

    @property
    def errors(self) -> pd.DataFrame:
        """Why somebody is not paid: label, employeeId and message."""
        rows = [
            (self._label(at), self._employee(at), str(error))
            for at, outcome in enumerate(self._delivery.outcomes)
            for error in outcome.errors
        ]
        return pd.DataFrame(rows, columns=["label", EMPLOYEE_ID, "message"])

    def _employee(self, at: int) -> Any:
        return self._frame[EMPLOYEE_ID].iloc[self._places[at][0]]

    @property
    def _answer(self) -> dict[str, Any]:
        told = next(iter(self._delivery.answers), None)
        return told if isinstance(told, dict) else {}
