"""Invented organizations and employees: each a function of seed and number."""

from __future__ import annotations

import datetime as dt
import json
import random
from functools import lru_cache
from typing import Any

from .identifiers import ascii_of, instant, number_of, type_id

_GIVEN = {
    "DE": "Anna Ben Clara David Elif Finn Greta Hannes Ida Jonas Katrin Leon Mia Nils "
    "Oskar Paula Rafael Sophie Till Ute Viktor Wiebke Yusuf Zoe Bärbel Jürgen",
    "GB": "Amelia Callum Daisy Edward Fiona George Harriet Imran Jack Kirsty Liam "
    "Maisie Niall Olivia Priya Rhys Sian Thomas Una Victor Wendy Zara Aoife Owen",
}
_FAMILY = {
    "DE": "Albrecht Brandt Dietrich Engel Falk Graf Hübner Jansen Krüger Lorenz Maurer "
    "Neumann Ostermann Pohl Quast Rieger Sander Thiele Ullrich Vogt Winkler Yilmaz "
    "Zeller Öztürk Groß",
    "GB": "Ashworth Blackwood Carter Davies Elliott Fletcher Graham Hughes Ingram "
    "Jenkins Kaur Lennox Morgan Nash O'Neill Patel Quinn Rhodes Shah Turner Upton "
    "Vaughan Walsh Young",
}
_PLACES = {
    "DE": [
        ("01067", "Dresden", "Sachsen"),
        ("20095", "Hamburg", "Hamburg"),
        ("80331", "München", "Bayern"),
        ("50667", "Köln", "Nordrhein-Westfalen"),
        ("04109", "Leipzig", "Sachsen"),
        ("70173", "Stuttgart", "Baden-Württemberg"),
        ("28195", "Bremen", "Bremen"),
    ],
    "GB": [
        ("M1 1AE", "Manchester", "England"),
        ("EH1 1YZ", "Edinburgh", "Scotland"),
        ("CF10 1EP", "Cardiff", "Wales"),
        ("LS1 4DY", "Leeds", "England"),
        ("BS1 5TR", "Bristol", "England"),
    ],
}
_STREETS = {
    "DE": ["Lindenweg", "Hafenstraße", "Mühlgasse", "Bergallee", "Gartenring"],
    "GB": ["Mill Lane", "Station Road", "Church Street", "Park View", "High Street"],
}
# Title, department, yearly pay from … to …
JOBS = (
    ("Machinist", "Production", 34_000, 46_000),
    ("Shift Lead", "Production", 44_000, 58_000),
    ("Care Assistant", "Care", 29_000, 36_000),
    ("Registered Nurse", "Care", 36_000, 48_000),
    ("Accountant", "Finance", 42_000, 60_000),
    ("Payroll Clerk", "Finance", 34_000, 44_000),
    ("Software Engineer", "IT", 52_000, 84_000),
    ("Account Manager", "Sales", 40_000, 70_000),
    ("HR Partner", "People", 44_000, 62_000),
    ("Managing Director", "Management", 110_000, 170_000),
)
_WEIGHTS = (26, 8, 18, 12, 8, 4, 10, 8, 4, 1)
_ORGANIZATIONS = (
    ("Nordlicht Werke GmbH", "DE", "nordlicht", 0.45),
    ("Harrow & Finch Ltd", "GB", "harrowfinch", 0.35),
    ("Isarblick Pflegedienste GmbH", "DE", "isarblick", 0.20),
)


class Company:
    """
    All organizations and their employees.

    Parameters
    ----------
    rows : int
        Employees over all organizations.
    seed : int
        The same seed gives the same data on the same day.
    """

    def __init__(self, rows: int, seed: int) -> None:
        self.seed, self.today = seed, dt.datetime.now(dt.UTC).date()
        self._first: list[int] = []
        self._count: list[int] = []
        start = 0
        for number, (*_, share) in enumerate(_ORGANIZATIONS):
            is_last = number == len(_ORGANIZATIONS) - 1
            count = rows - start if is_last else int(rows * share)
            self._first.append(start)
            self._count.append(count)
            start += count
        self.employee_json = lru_cache(maxsize=200_000)(self._employee_json)

    def organizations(self) -> list[dict[str, Any]]:
        """Give all organizations, with what is nested in them."""
        return [self._organization(number) for number in range(len(_ORGANIZATIONS))]

    def organization_number(self, organization_id: str) -> int | None:
        """Give the position of an organization, or None."""
        ids = [type_id("org", self.seed, n) for n in range(len(_ORGANIZATIONS))]
        return ids.index(organization_id) if organization_id in ids else None

    def country(self, organization: int) -> str:
        """Give ``DE`` or ``GB``."""
        return _ORGANIZATIONS[organization][1]

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

    def employment(self, number: int) -> tuple[dt.date, dt.date | None]:
        """Give the first and, of leavers, the last day."""
        dice = self.dice("employment", number)
        start = self.today - dt.timedelta(days=int(dice.triangular(-40, 5200, 900)))
        days = (self.today - start).days
        left = dice.random() < 0.12 and days > 200
        end = (
            start + dt.timedelta(days=dice.randrange(120, days + 60)) if left else None
        )
        return start, end

    def versions(self, what: str, number: int) -> list[tuple[dt.date, dt.date | None]]:
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
        day_before = dt.timedelta(days=1)
        ends = [*(following - day_before for following in begins[1:]), end]
        return list(zip(begins, ends, strict=True))

    def job(self, number: int) -> tuple[str, str, int, int]:
        """Give title, department and the span of yearly pay."""
        return self.dice("job", number).choices(JOBS, _WEIGHTS)[0]

    def job_details(self, organization: int, number: int) -> list[dict[str, Any]]:
        """Give all versions of an employee's job details."""
        title, department, *_ = self.job(number)
        records = []
        for version, (begin, end) in enumerate(self.versions("job-details", number)):
            dice = self.dice(f"job-details-{version}", number)
            record = self._record(organization, number, begin, end, version, "jd")
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
                "worksiteId": type_id("wst", self.seed, organization),
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

    def personal_data(self, organization: int, number: int) -> list[dict[str, Any]]:
        """Give all versions of an employee's personal data."""
        country = self.country(organization)
        dice = self.dice("person", number)
        given, family = (
            dice.choice(_GIVEN[country].split()),
            dice.choice(_FAMILY[country].split()),
        )
        gender = dice.choice(["M", "W", "W", "M", "D"])
        records = []
        for version, (begin, end) in enumerate(self.versions("personal-data", number)):
            record = self._record(organization, number, begin, end, version, "pd")
            record |= {
                "employeeName": {
                    "familyName": family,
                    "givenName": given,
                    "title": "Dr." if dice.random() < 0.04 else None,
                },
                "gender": gender,
                "maritalStatus": dice.choice(["Single", "Married"]),
                "nationality": country if dice.random() < 0.85 else "PL",
                "residenceAddress": self._address(country, dice),
            }
            records.append(record)
        return records

    def _employee_json(self, organization: int, number: int) -> str:
        # Kept encoded: most of a page's time would go into encoding it again.
        return json.dumps(self._employee(organization, number), ensure_ascii=False)

    def _employee(self, organization: int, number: int) -> dict[str, Any]:
        country = self.country(organization)
        dice = self.dice("employee", number)
        start, end = self.employment(number)
        person = self.personal_data(organization, number)[-1]
        name = person["employeeName"]
        host = _ORGANIZATIONS[organization][2]
        mailbox = f"{name['givenName']}.{name['familyName']}.{number}".lower()
        born = start - dt.timedelta(days=dice.randrange(18 * 365, 55 * 365))
        data: dict[str, Any] = {
            "employmentCountry": country,
            "externalRef": f"{number:06d}" if dice.random() < 0.8 else None,
            "startDate": start.isoformat(),
            "endDate": end.isoformat() if end else None,
            "birthDate": born.isoformat(),
            "personalEmail": f"{ascii_of(mailbox)}@mail.example",
            "workEmail": f"{ascii_of(mailbox)}@{host}.example",
            "phoneNumbers": [
                {
                    "phoneNumber": f"+{49 if country == 'DE' else 44}"
                    f"{dice.randrange(10**9, 10**10)}",
                    "phoneType": "mobile",
                    "isPrimary": True,
                }
            ][: dice.randrange(2)],
            "personalData": person,
            "jobDetails": self.job_details(organization, number)[-1],
        }
        if dice.random() < 0.7:
            data["birthPlace"] = dice.choice(_PLACES[country])[1]
            data["birthCountry"] = country
        return {
            "id": type_id("emp", self.seed, number),
            "organizationId": type_id("org", self.seed, organization),
            "employeeData": data,
            "createdAt": instant(start, dice),
            "updatedAt": instant(self.today - dt.timedelta(days=2), dice),
        }

    def _record(
        self,
        organization: int,
        number: int,
        begin: dt.date,
        end: dt.date | None,
        version: int,
        kind: str,
    ) -> dict[str, Any]:
        dice = self.dice(f"{kind}-{version}-times", number)
        return {
            "id": f"{kind}_{number:06d}_{version + 1}",
            "employeeId": type_id("emp", self.seed, number),
            "employmentCountry": self.country(organization),
            "validFrom": begin.isoformat(),
            "validTo": end.isoformat() if end else None,
            "createdAt": instant(begin, dice),
            "updatedAt": instant(begin, dice),
        }

    def _address(self, country: str, dice: random.Random) -> dict[str, Any]:
        code, city, state = dice.choice(_PLACES[country])
        street, house = dice.choice(_STREETS[country]), dice.randrange(1, 120)
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

    def _organization(self, number: int) -> dict[str, Any]:
        name, country, host, _ = _ORGANIZATIONS[number]
        dice = self.dice("organization", number)
        address = self._address(country, dice)
        identifier = {"country": country, "businessType": "1"}
        if country == "DE":
            identifier["taxNumber"] = f"{dice.randrange(10**12, 10**13)}"
        else:
            identifier["payeReferenceNumber"] = (
                f"{dice.randrange(100, 999)}/HF{number}42"
            )
        begun = dt.date(1998 + 7 * number, 4, 1)
        return {
            "id": type_id("org", self.seed, number),
            "legalName": name,
            "dbaName": name.rpartition(" ")[0] if number else None,
            "legalAddress": address["address"],
            "correspondenceAddress": None,
            "registrationCountry": country,
            "incorporationDate": begun.isoformat(),
            "shutdownDate": None,
            "validFrom": begun.isoformat(),
            "validTo": None,
            "externalRef": f"{number + 7:04d}",
            "website": f"https://{host}.example",
            "createdAt": instant(begun, dice),
            "updatedAt": instant(self.today - dt.timedelta(days=30), dice),
            "workSites": [
                {
                    "id": type_id("wst", self.seed, number),
                    "orgId": type_id("org", self.seed, number),
                    "name": "Head office",
                    "address": address,
                    "isActive": True,
                    "isPrimary": True,
                    "validFrom": begun.isoformat(),
                    "validTo": None,
                }
            ],
            "bankAccounts": [],
            "contacts": [{"id": f"con_{number}", "name": "Payroll office"}],
            "taxIdentifiers": [{"taxData": identifier}],
            "insuranceData": {"companyNumber": f"{dice.randrange(10**7):08d}"}
            if country == "DE"
            else None,
        }
