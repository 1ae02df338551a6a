"""Identifiers, instants and addresses that look like real ones."""

from __future__ import annotations

import datetime as dt
import hashlib
import random

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_EPOCH = 0x0190_0000_0000  # the time part that all ids begin with


def type_id(prefix: str, seed: int, number: int) -> str:
    """Form an identifier: sorted like its number, and hard to mistype into another."""
    digest = hashlib.sha256(f"{prefix}{seed}/{number}".encode()).digest()[:10]
    value = (_EPOCH + number) << 80 | int.from_bytes(digest, "big")
    digits = [_ALPHABET[value >> shift & 31] for shift in range(125, -1, -5)]
    return f"{prefix}_{''.join(digits)}"


def number_of(identifier: str) -> int:
    """Give the number inside an identifier; -1 where there is none."""
    text = identifier.partition("_")[2]
    if not text or not set(text) <= set(_ALPHABET):
        return -1
    value = 0
    for letter in text:
        value = value << 5 | _ALPHABET.index(letter)
    return (value >> 80) - _EPOCH


def instant(day: dt.date, dice: random.Random) -> str:
    """Form an instant on a day, to the microsecond."""
    time = dt.timedelta(microseconds=dice.randrange(86_400_000_000))
    moment = dt.datetime.combine(day, dt.time(), dt.UTC) + time
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def company_number(dice: random.Random) -> str:
    """Form a German Betriebsnummer; its last digit checks the others."""
    digits = str(dice.randrange(2_000_000, 9_900_000))
    weighed = "".join(str(int(d) * (1 + i % 2)) for i, d in enumerate(digits))
    return digits + str(sum(map(int, weighed)) % 10)


def ascii_of(text: str) -> str:
    """Spell a name as mail addresses do."""
    pairs = zip("äöüßé'", ["ae", "oe", "ue", "ss", "e", ""], strict=False)
    for letter, plain in pairs:
        text = text.replace(letter, plain)
    return text


def tax_id(dice: random.Random) -> str:
    """Form a German Steuer-ID; its last digit checks the others (ISO 7064)."""
    digits, product = f"{dice.randrange(10**9, 10**10)}", 10
    for digit in digits:
        total = (int(digit) + product) % 10 or 10
        product = total * 2 % 11
    return digits + str((11 - product) % 10)


def iban(country: str, account: str) -> str:
    """Form an IBAN, whose digits three and four check the others (ISO 13616)."""
    letters = "".join(str(int(letter, 36)) for letter in f"{account}{country}00")
    return f"{country}{98 - int(letters) % 97:02d}{account}"
