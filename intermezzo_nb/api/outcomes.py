"""
What an answer to a bulk request says about each row that was sent.

Every row ends in one of four states. What the answer does not prove is uncertain:
nothing is guessed from counts that do not add up.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ..quoting import plain
from .forms import Body
from .spelling import count_of

CREATED, REJECTED, UNCERTAIN, UNSENT = STATES = (
    "created",
    "rejected",
    "uncertain",
    "unsent",
)
_COUNTS = ("total", "succeeded", "failed", "unprocessed")
_LONGEST = 300  # characters of the API's words
_ALREADY = re.compile(
    r"TAKEN|ALREADY|DUPLICATE|NOT_?UNIQUE|(?<!NOT_)EXISTS|^HTTP 409$", re.IGNORECASE
)


class RowError(Struct, frozen=True):
    """Why a row was rejected, in the words of the API."""

    code: str = ""
    field: str = ""
    message: str = ""

    def __str__(self) -> str:
        said = " ".join(filter(None, (self.code, self.message)))
        return f"{self.field}: {said}" if self.field else said


class Outcome(Struct, frozen=True):
    """
    What became of a row.

    Parameters
    ----------
    state : {"created", "rejected", "uncertain", "unsent"}
    record : mapping or None
        What the API created; None where it did not say.
    is_there : bool
        The API refuses it as one that it has already, and an earlier attempt was not
        answered: so that one has probably created it.
    """

    state: str
    errors: tuple[RowError, ...] = ()
    record: Mapping[str, Any] | None = None
    is_there: bool = False

    def doubted(self) -> Outcome:
        """Give what this says of a row that was sent before, and not answered."""
        is_there = bool(self.errors) and all(
            _ALREADY.search(e.code) for e in self.errors
        )
        if self.state != REJECTED or not is_there:
            return self
        return replace(self, state=UNCERTAIN, is_there=True)


Told = tuple[list[Outcome], list[str]]


def all_of(count: int, state: str, *errors: RowError) -> list[Outcome]:
    """Give the same outcome for each row."""
    return [Outcome(state, errors)] * count


def of_bulk(sent: Sequence[Body], answer: Any, echoed: Sequence[str]) -> Told:
    """
    Read the answer to a bulk creation.

    Parameters
    ----------
    sent : sequence of dict
        The rows of the request.
    answer : object
        Decoded JSON: the documented object, or the bare array of the older pages.
    echoed : sequence of str
        Fields that come back as they were sent; records are found by them.

    Returns
    -------
    outcomes : list of Outcome
        One for each row.
    notes : list of str
        What in the answer is not as documented.
    """
    if isinstance(answer, list):
        answer = {"data": answer}
    if not isinstance(answer, dict) or not {"data", "errors"} & {*answer}:
        note = "the answer holds neither data nor errors"
        return all_of(len(sent), UNCERTAIN), [note]
    errors, notes = _errors(answer.get("errors"), len(sent))
    rest = [row for row in range(len(sent)) if row not in errors]
    skipped = _count(answer.get("unprocessed"), 0)
    done = len(rest) - skipped
    if "data" in answer:
        told = answer["data"] if isinstance(answer["data"], list) else []
        records = [r for r in told if isinstance(r, dict)]
    else:
        # However many it counts, one more than were sent does not fit either.
        succeeded = min(max(_count(answer.get("succeeded"), 0), 0), len(sent) + 1)
        records = [{} for _ in range(succeeded)]
    whole = _created(records, answer)
    found, strange = _matched(sent, whole, rest, echoed)
    wrongly, _ = _matched(sent, strange, errors, echoed)
    adds_up = (
        len(whole) == done == _count(answer.get("succeeded"), done)
        and _count(answer.get("failed"), len(errors)) == len(errors)
        and _count(answer.get("total"), len(sent)) == len(sent)
        and not wrongly  # else a row is named as wrong, and came back all the same
        and not _are_repeated(whole, strange, found.values(), echoed)
    )
    if adds_up and not skipped:
        if not any(name in record for record in whole for name in echoed):
            found = dict(zip(rest, whole, strict=True))  # their order is all there is
        elif strange:
            what = "record is" if len(strange) == 1 else "records are"
            notes.append(f"{len(strange)} {what} like no row that was sent")
        created = dict.fromkeys(rest) | found
        return _sorted_out(len(sent), errors, created, UNCERTAIN), notes
    proven = _proven(sent, found, rest, echoed)
    if adds_up and not strange and proven == found:
        return _sorted_out(len(sent), errors, found, UNSENT), notes
    # A record of one of two rows alike is of the one that is not named as wrong.
    outcomes = _sorted_out(len(sent), errors, proven | wrongly, UNCERTAIN)
    is_open = any(outcome.state == UNCERTAIN for outcome in outcomes)
    counts = (f"{n} {answer[n]!r}" for n in _COUNTS if n in answer)
    notes.append(
        f"of {len(sent)} rows, {len(records)} came back and {len(errors)} are named "
        f"as wrong{_listed(counts)}, which does not fit together"
        + (": what is not proven is uncertain" if is_open else "")
    )
    return outcomes, notes


def tells_of_created(answer: Mapping[str, Any]) -> bool:
    """Tell whether an answer, though it is a refusal, says that rows were created."""
    lists = [answer.get(name) for name in ("data", "payslips")]
    records = [one for told in lists if isinstance(told, list) for one in told]
    has_records = any(isinstance(record, dict) for record in records)
    return has_records or _count(answer.get("succeeded"), 0) > 0


def _listed(counts: Iterable[str]) -> str:
    told = plain(", ".join(counts), 120)
    return f", and it counts {told}" if told else ""


def of_refusal(details: Any, sent: int, error: RowError) -> list[Outcome]:
    """
    Read the refusal of a whole request.

    Where it names rows, as FastAPI and bulk results do, those are rejected and the
    others unsent; else all are rejected for the same reason.
    """
    rows: dict[int, list[RowError]] = defaultdict(list)
    for item in details if isinstance(details, list) else []:
        if not isinstance(item, dict):
            continue
        index = item.get("inputIndex")
        if isinstance(index, int) and _is_row(index, sent):
            rows[index] += _row_errors(item)
        place = item.get("loc")
        if not isinstance(place, list):
            continue
        steps = place[1:] if place[:1] == ["body"] else place
        if not steps or not _is_row(steps[0], sent):
            continue
        field = ".".join(map(str, steps[1:]))
        told = (item.get("type"), field, item.get("msg"))
        rows[steps[0]].append(RowError(*(plain(t or "", _LONGEST) for t in told)))
    if not rows:
        return all_of(sent, REJECTED, error)
    return _sorted_out(sent, rows, {}, UNSENT)


def _sorted_out(
    count: int,
    errors: Mapping[int, Iterable[RowError]],
    created: Mapping[int, Body | None],
    else_: str,
) -> list[Outcome]:
    def one(row: int) -> Outcome:
        if row in created:
            return Outcome(CREATED, record=created[row])
        if row in errors:
            return Outcome(REJECTED, tuple(errors[row]))
        return Outcome(else_)

    return [one(row) for row in range(count)]


def _errors(told: Any, sent: int) -> tuple[dict[int, list[RowError]], list[str]]:
    rows: dict[int, list[RowError]] = defaultdict(list)
    notes: list[str] = []
    entries = told if isinstance(told, list) else [] if told is None else [told]
    strays = []
    for entry in entries:
        index = entry.get("inputIndex") if isinstance(entry, dict) else None
        if isinstance(index, int) and _is_row(index, sent):
            rows[index] += _row_errors(entry)
        else:
            strays.append(str(RowError(*_members(entry))) or plain(entry, _LONGEST))
    if strays:
        said = "; ".join(strays[:3])
        what = "error belongs" if len(strays) == 1 else "errors belong"
        notes.append(f"{len(strays)} {what} to no row that was sent ({said})")
    return dict(rows), notes


def _row_errors(entry: Mapping[str, Any]) -> list[RowError]:
    inner = entry.get("errors")
    listed = inner if isinstance(inner, list) and inner else [entry]
    return [RowError(*_members(error)) for error in listed]


def _members(error: Any) -> tuple[str, str, str]:
    if not isinstance(error, dict):
        return "", "", plain(error, _LONGEST)
    told = (error.get("code"), error.get("field"), error.get("message"))
    code, field, message = (plain(t, _LONGEST) if t else "" for t in told)
    return code, field, message


def _matched(
    sent: Sequence[Body],
    records: Sequence[Body],
    rows: Iterable[int],
    echoed: Sequence[str],
) -> tuple[dict[int, Body], list[Body]]:
    """Find the row of each record; give also those records that are like no row."""
    names = [name for name in echoed if any(name in record for record in records)]
    if not names:
        return {}, list(records)
    waiting: dict[tuple[str, ...], deque[int]] = defaultdict(deque)
    for row in rows:
        waiting[_mark(sent[row], names)].append(row)
    found: dict[int, Body] = {}
    strange: list[Body] = []
    for record in records:
        if like := waiting.get(_mark(record, names)):
            found[like.popleft()] = record
        else:
            strange.append(record)
    return found, strange


def _are_repeated(
    records: Sequence[Body],
    strange: Sequence[Body],
    found: Iterable[Body],
    echoed: Sequence[str],
) -> bool:
    """Tell whether one record came more than once, and so in the place of another."""
    ids = [str(record["id"]) for record in records if record.get("id") is not None]
    names = [name for name in echoed if any(name in record for record in records)]
    known = {_mark(record, names) for record in found}
    doubtful = [record for record in strange if record.get("id") is None]
    return len({*ids}) < len(ids) or any(_mark(r, names) in known for r in doubtful)


def _created(records: Sequence[Body], answer: Mapping[str, Any]) -> list[Body]:
    """Give the records of rows that were created: with a warning, if that is told."""
    warned = [r for r in records if r.get("id") or not _is_error(r)]
    if _count(answer.get("succeeded"), -1) == len(warned):
        return warned
    return [record for record in records if not _is_error(record)]


def _is_error(record: Body) -> bool:
    return bool(record.get("error") or record.get("errors"))


def _proven(
    sent: Sequence[Body],
    found: Mapping[int, Body],
    rows: Iterable[int],
    echoed: Sequence[str],
) -> dict[int, Body]:
    """Leave out records that may be of another of these rows just as well."""
    names = [name for name in echoed if any(name in r for r in found.values())]
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row in rows:
        alike[_mark(sent[row], names)].append(row)
    return {
        row: record
        for row, record in found.items()
        for others in [alike[_mark(sent[row], names)]]
        if all(one in found or sent[one] == sent[row] for one in others)
    }


def _mark(record: Body, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(record.get(n) or "").strip().casefold() for n in names)


def _is_row(index: Any, sent: int) -> bool:
    return isinstance(index, int) and not isinstance(index, bool) and 0 <= index < sent


def _count(value: Any, default: int) -> int:
    """Give a count, or the default where none is told; what is none fits nothing."""
    told = count_of(value)
    if told is not None:
        return told
    return default if value is None else -1
