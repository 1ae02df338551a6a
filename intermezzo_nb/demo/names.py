"""What invented people are made of: names, places, jobs, employers."""

from __future__ import annotations

from typing import NamedTuple

GIVEN = {
    "DE": {
        "W": "Anna Clara Elif Greta Ida Katrin Mia Paula Sophie Ute Wiebke Zoe Bärbel",
        "M": "Ben David Finn Hannes Jonas Leon Nils Oskar Rafael Till Viktor Yusuf "
        "Jürgen",
    },
    "GB": {
        "W": "Amelia Daisy Fiona Harriet Kirsty Maisie Olivia Priya Sian Una Wendy "
        "Zara Aoife",
        "M": "Callum Edward George Imran Jack Liam Niall Rhys Thomas Victor Owen",
    },
}
FAMILY = {
    "DE": "Albrecht Brandt Dietrich Engel Falk Graf Hübner Jansen Krüger Lorenz Maurer "
    "Neumann Ostermann Pohl Quast Rieger Sander Thiele Ullrich Vogt Winkler Yilmaz "
    "Zeller Öztürk Groß",
    "GB": "Ashworth Blackwood Carter Davies Elliott Fletcher Graham Hughes Ingram "
    "Jenkins Kaur Lennox Morgan Nash O'Neill Patel Quinn Rhodes Shah Turner Upton "
    "Vaughan Walsh Young",
}
# Women, men, and those whom German law calls "divers".
GENDERS, GENDER_WEIGHTS = "WMD", (498, 497, 5)
PLACES = {
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
STREETS = {
    "DE": ["Lindenweg", "Hafenstraße", "Mühlgasse", "Bergallee", "Gartenring"],
    "GB": ["Mill Lane", "Station Road", "Church Street", "Park View", "High Street"],
}


class Job(NamedTuple):
    """
    What somebody does.

    Parameters
    ----------
    low, high : int
        The span of yearly pay.
    youngest : int
        Years of age at which one can be hired for it.
    """

    title: str
    department: str
    low: int
    high: int
    youngest: int = 18


JOBS = (
    Job("Machinist", "Production", 34_000, 46_000),
    Job("Shift Lead", "Production", 44_000, 58_000, 24),
    Job("Care Assistant", "Care", 29_000, 36_000),
    Job("Registered Nurse", "Care", 36_000, 48_000, 21),
    Job("Accountant", "Finance", 42_000, 60_000, 22),
    Job("Payroll Clerk", "Finance", 34_000, 44_000, 19),
    Job("Software Engineer", "IT", 52_000, 84_000, 21),
    Job("Account Manager", "Sales", 40_000, 70_000, 21),
    Job("HR Partner", "People", 44_000, 62_000, 23),
    Job("Managing Director", "Management", 110_000, 170_000, 32),
)
JOB_WEIGHTS = (26, 8, 18, 12, 8, 4, 10, 8, 4, 1)
# Name, country, host, share of all employees.
ORGANIZATIONS = (
    ("Nordlicht Werke GmbH", "DE", "nordlicht", 0.45),
    ("Harrow & Finch Ltd", "GB", "harrowfinch", 0.35),
    ("Isarblick Pflegedienste GmbH", "DE", "isarblick", 0.20),
)
