"""Invented organizations and employees: each a function of seed and number."""

from __future__ import annotations

import datetime as dt
import json
import random
from functools import lru_cache
from typing import Any

from . import names
from .identifiers import ascii_of, instant, number_of, type_id
from .oddities import Fields

Period = tuple[dt.date, dt.date | None]
_DAY = dt.timedelta(days=1)


def is_valid(record: dict[str, Any], day: str) -> bool:
    """Tell whether a version is valid on a day, which is written as in JSON."""
    end = record["validTo"] or "9999-12-31"
    return bool(record["validFrom"] <= day <= end)


class Company:
    """
    All organizations and their employees.

    Parameters
    ----------
    rows : int
        Employees over all organizations.
    seed : int
        The same seed gives the same data on the same day.
    older : bool
        Whether records have the shapes of older pages of the reference.
    ragged : bool
        Whether some versions leave a gap behind, or overlap the next.
    fields : Fields
        What is left out of employees, or put in.
    """

    def __init__(
        self,
        rows: int,
        seed: int,
        *,
        older: bool = False,
        ragged: bool = False,
        fields: Fields | None = None,
    ) -> None:
        self.seed, self.today = seed, dt.datetime.now(dt.UTC).date()
        self.is_older, self._is_ragged = older, ragged
        self._fields = fields or Fields()
        self._first: list[int] = []
        self._count: list[int] = []
        start = 0
        for number, (*_, share) in enumerate(names.ORGANIZATIONS):
            is_last = number == len(names.ORGANIZATIONS) - 1
            count = rows - start if is_last else int(rows * share)
            self._first.append(start)
            self._count.append(count)
            start += count
        self.employee_json = lru_cache(maxsize=200_000)(self._employee_json)
        self.employment = lru_cache(maxsize=1_000)(self._employment)

    def organization_number(self, organization_id: str) -> int | None:
        """Give the position of an organization, or None."""
        ids = [type_id("org", self.seed, n) for n in range(len(names.ORGANIZATIONS))]
        return ids.index(organization_id) if organization_id in ids else None

    def country(self, organization: int) -> str:
        """Give ``DE`` or ``GB``."""
        return names.ORGANIZATIONS[organization][1]

    def employees(self, organization: int) -> range:
        """Give the numbers of an organization's employees."""
        first = self._first[organization]
        return range(first, first + self._count[organization])

    def employee_number(self, organization: int, employee_id: str) -> int | None:
        """Give the number behind an id, or None."""
        number = number_of(employee_id)
        numbers = self.employees(organization)
        is_one = number in numbers and employee_id == type_id("emp", self.seed, number)
        return number if is_one else None

    def dice(self, what: str, number: int) -> random.Random:
        """Give the dice of one record: the same each time."""
        return random.Random(f"{self.seed}/{what}/{number}")  # noqa: S311 (not secret)

    def _employment(self, number: int) -> Period:
        """Give the first and, of leavers, the last day."""
        dice = self.dice("employment", number)
        start = self.today - dt.timedelta(days=int(dice.triangular(-40, 5200, 900)))
        days = (self.today - start).days
        left = dice.random() < 0.12 and days > 200
        end = (
            start + dt.timedelta(days=dice.randrange(120, days + 60)) if left else None
        )
        return start, end

    def created_at(self, number: int) -> str:
        """Give when an employee was entered; those who are to come, by now."""
        start, _ = self.employment(number)
        return instant(self._entered(start), self.dice("created", number))

    def versions(self, what: str, number: int) -> list[Period]:
        """Give the periods of a record: closed, one after the other, no gap."""
        start, end = self.employment(number)
        dice = self.dice(what, number)
        years = range(
            start.year + 1, min(self.today.year, (end or self.today).year) + 1
        )
        changes = [dt.date(year, 1, 1) for year in years if dice.random() < 0.35]
        begins = [
            start,
            *(day for day in changes if start < day < (end or dt.date.max)),
        ]
        ends = [*(following - _DAY for following in begins[1:]), end]
        if self._is_ragged:
            off = dt.timedelta(days=10)
            ends = [last and last + dice.choice([-off, 0 * off, off]) for last in ends]
        return list(zip(begins, ends, strict=True))

    def current(self, records: list[dict[str, Any]]) -> dict[str, Any] | None:
        """Give the version that is valid today, if there is one."""
        today = self.today.isoformat()
        return next((record for record in records if is_valid(record, today)), None)

    def job(self, number: int) -> names.Job:
        """Give what somebody does."""
        return self.dice("job", number).choices(names.JOBS, names.JOB_WEIGHTS)[0]

    def birth(self, number: int) -> dt.date:
        """Give a birthday."""
        start, _ = self.employment(number)
        youngest, oldest = self.job(number).youngest * 366, 52 * 365
        return start - _DAY * self.dice("employee", number).randrange(youngest, oldest)

    def is_married(self, number: int, day: dt.date) -> bool:
        """Tell whether somebody was married on a day."""
        weddings = self._marital(number)
        return any(married and begin <= day for (begin, _), married in weddings)

    def founded(self, organization: int) -> dt.date:
        """Give the day on which an organization came to be."""
        return dt.date(1998 + 7 * organization, 4, 1)

    def worksite(self, organization: int, place: int) -> str:
        """Give the id of an organization's head office (0), or branch (1)."""
        return type_id("wst", self.seed, organization + 100 * place)

    def searched(self, organization: int, number: int) -> dict[str, str]:
        """Give what an employee can be found by."""
        name = self._person(organization, number)["employeeName"]
        mailbox = f"{name['givenName']}.{name['familyName']}.{number}".lower()
        host = names.ORGANIZATIONS[organization][2]
        has_reference = self.dice("reference", number).random() < 0.8
        return {
            "givenName": name["givenName"],
            "familyName": name["familyName"],
            "personalEmail": f"{ascii_of(mailbox)}@mail.example",
            "workEmail": f"{ascii_of(mailbox)}@{host}.example",
            "externalRef": f"{number:06d}" if has_reference else "",
        }

    def job_details(
        self, organization: int, number: int, *, of_today: bool = False
    ) -> list[dict[str, Any]]:
        """Give all versions of an employee's job details, or the one of today."""
        title, department, *_ = self.job(number)
        records = []
        periods = self.versions("job-details", number)
        for version, period in self._numbered(periods, of_today=of_today):
            dice = self.dice(f"job-details-{version}", number)
            record = self.record(organization, number, period, version, "jd")
            hours = dice.choice([40, 40, 40, 38.5, 30, 20])
            full = "Full" if hours > 35 else "Part"
            term = dice.choices(["Indefinite", "Fixed"], [9, 1])[0]
            record |= {
                "jobType": f"{full} Time {term} Term",
                "employmentStatus": "Director"
                if department == "Management"
                else "Employee",
                "jobTitle": title if version else title.replace("Lead", "Worker"),
                "jobDescription": None if dice.random() < 0.5 else f"{title}, day",
                "contractedWeeklyHours": hours,
                "worksiteId": self.worksite(organization, number % 4 // 3),
                "department": department,
            }
            if self.country(organization) == "DE":
                record |= {
                    "isSeasonalWorker": dice.random() < 0.03,
                    "occupationCode": f"{dice.randrange(1_000, 99_999):05d}",
                    "contractedWeekdays": [
                        *("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
                    ],
                    "contractedToOtherCompany": False,
                    "otherJobs": [],
                }
            records.append(record)
        return records

    def personal_data(
        self, organization: int, number: int, *, of_today: bool = False
    ) -> list[dict[str, Any]]:
        """Give all versions of an employee's personal data, or the one of today."""
        country, person = self.country(organization), self._person(organization, number)
        records, marital = [], self._marital(number)
        periods = [period for period, _ in marital]
        for version, period in self._numbered(periods, of_today=of_today):
            dice = self.dice(f"residence-{version}", number)
            is_married = marital[version][1]
            record = self.record(organization, number, period, version, "pd")
            record |= {
                **person,
                "maritalStatus": "Married" if is_married else "Single",
                "residenceAddress": self.address(country, dice),
            }
            records.append(record)
        return records

    def _numbered(
        self, periods: list[Period], *, of_today: bool
    ) -> list[tuple[int, Period]]:
        numbered = list(enumerate(periods))
        if not of_today:
            return numbered
        last = dt.date.max
        now = [n for n in numbered if n[1][0] <= self.today <= (n[1][1] or last)]
        return now[:1]

    def _person(self, organization: int, number: int) -> dict[str, Any]:
        country, dice = self.country(organization), self.dice("person", number)
        gender = dice.choices(names.GENDERS, names.GENDER_WEIGHTS)[0]
        given = names.GIVEN[country]
        return {
            "employeeName": {
                "familyName": dice.choice(names.FAMILY[country].split()),
                "givenName": dice.choice(
                    (given.get(gender) or " ".join(given.values())).split()
                ),
                "title": "Dr." if dice.random() < 0.04 else None,
            },
            "gender": gender,
            "nationality": country if dice.random() < 0.85 else "PL",
        }

    def _marital(self, number: int) -> list[tuple[Period, bool]]:
        dice, is_married, found = self.dice("marital", number), False, []
        for period in self._personal_periods(number):
            is_married = is_married or dice.random() < 0.4
            found.append((period, is_married))
        return found

    def _personal_periods(self, number: int) -> list[Period]:
        # A person has a name before the first day at work, and after the last one.
        periods = self.versions("personal-data", number)
        begins = [self._entered(periods[0][0]), *(begin for begin, _ in periods[1:])]
        ends = [*(end for _, end in periods[:-1]), None]
        return list(zip(begins, ends, strict=True))

    def _entered(self, day: dt.date) -> dt.date:
        return min(day, self.today - _DAY)

    def _employee_json(self, organization: int, number: int) -> str:
        # Kept encoded: most of a page's time would go into encoding it again.
        record = self._fields.changed(self._employee(organization, number))
        return json.dumps(record, ensure_ascii=False)

    def _employee(self, organization: int, number: int) -> dict[str, Any]:
        country = self.country(organization)
        dice = self.dice("employee", number)
        start, end = self.employment(number)
        found = self.searched(organization, number)
        persons = self.personal_data(organization, number, of_today=True)
        jobs = self.job_details(organization, number, of_today=True)
        dice.random()  # the first throw is for the birthday
        data: dict[str, Any] = {
            "employmentCountry": country,
            "externalRef": found["externalRef"] or None,
            "startDate": start.isoformat(),
            "endDate": end.isoformat() if end else None,
            "birthDate": self.birth(number).isoformat(),
            "personalEmail": found["personalEmail"],
            "workEmail": found["workEmail"],
            "phoneNumbers": [
                {
                    "phoneNumber": f"+{49 if country == 'DE' else 44}"
                    f"{dice.randrange(10**9, 10**10)}",
                    "phoneType": "mobile",
                    "isPrimary": True,
                }
            ][: dice.randrange(2)],
            "personalData": next(iter(persons), None),
            "jobDetails": next(iter(jobs), None),
        }
        if dice.random() < 0.7:
            data["birthPlace"] = dice.choice(names.PLACES[country])[1]
            data["birthCountry"] = country
        created = self.created_at(number)
        return {
            "id": type_id("emp", self.seed, number),
            "organizationId": type_id("org", self.seed, organization),
            "employeeData": data,
            "createdAt": created,
            "updatedAt": max(created, instant(self.today - 2 * _DAY, dice)),
        }

    def record(
        self, organization: int, number: int, period: Period, version: int, kind: str
    ) -> dict[str, Any]:
        """Give what every versioned record of an employee repeats."""
        begin, end = period
        dice = self.dice(f"{kind}-{version}-times", number)
        created, updated = sorted(instant(self._entered(begin), dice) for _ in range(2))
        place = version + 1
        return {
            "id": number * 100 + place
            if self.is_older
            else f"{kind}_{number:06d}_{place}",
            "employeeId": type_id("emp", self.seed, number),
            "employmentCountry": self.country(organization),
            "validFrom": begin.isoformat(),
            "validTo": end.isoformat() if end else None,
            "createdAt": created,
            "updatedAt": updated,
        }

    def address(self, country: str, dice: random.Random) -> dict[str, Any]:
        """Give an address somewhere in a country."""
        code, city, state = dice.choice(names.PLACES[country])
        street, house = dice.choice(names.STREETS[country]), dice.randrange(1, 120)
        line = f"{street} {house}" if country == "DE" else f"{house} {street}"
        return {
            "address": f"{line}, {code} {city}",
            "components": {
                "road": street,
                "street_number": str(house),
                "postal_code": code,
                "city": city,
                "state": state,
                "country": country,
            },
        }
