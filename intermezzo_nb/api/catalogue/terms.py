"""The terms in which resources are written down, and what many of them repeat."""

from __future__ import annotations

from ..schema import Column, Parameter


def of(kind: str, *names: str, prefix: str = "") -> tuple[Column, ...]:
    """Give columns of one kind."""
    return tuple(Column(prefix + name, kind) for name in names)


def enum(name: str, *values: str) -> Column:
    """Give a column of documented values."""
    return Column(name, "enum", values)


def identifier(name: str, prefix: str = "") -> Column:
    """Give an id that some pages document as text, and others as an integer."""
    return Column(prefix + name, also=("integer",))


def record(prefix: str = "") -> tuple[Column, ...]:
    """Give what every versioned record of an employee repeats (core/*)."""
    return (
        identifier("id", prefix),
        *of("text", "employeeId", prefix=prefix),
        enum(f"{prefix}employmentCountry", "DE", "GB"),
        *of("date", "validFrom", "validTo", prefix=prefix),
        *of("instant", "createdAt", "updatedAt", prefix=prefix),
    )


COUNTRY = enum("employmentCountry", "DE", "GB")
TIMES = of("instant", "createdAt", "updatedAt")
VALID = of("date", "validFrom", "validTo")

ORGANIZATION = "/organizations/{organization_id}"
EMPLOYEE = ORGANIZATION + "/employees/{employee_id}"
GB_ORGANIZATION = "/gb" + ORGANIZATION
GB_EMPLOYEE = "/gb" + EMPLOYEE

EMPLOYEE_ID = Parameter(
    "employee_id",
    where="path",
    example="emp_…",
    default="all employees",
    column="employeeId",
)
