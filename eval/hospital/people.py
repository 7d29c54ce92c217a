"""Invented people: patients, and the clinicians whose hands the notes are in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

from eval.hospital.course import patient_id
from eval.hospital.dice import Dice, stable_id
from eval.hospital.model import Person

HOSPITAL = "Harrow Point Medical Center"
HOSPITAL_ID = stable_id("organization", HOSPITAL)
_GIVEN_F = (
    "Adela Amara Annika Beatriz Bonnie Carmela Celeste Corinne Dalia Delphine Doris Edith Elena "
    "Esther Fatima Fern Giselle Greta Harriet Hazel Ida Imani Ingrid Irene Jocelyn Joyce Katya "
    "Keiko Laverne Leila Lorna Lucinda Mabel Marisol Mei Mildred Miriam Nadia Naomi Nell Odette "
    "Opal Pearl Petra Priya Ramona Renata Rosa Ruth Sabine Selma Soledad Tamsin Thelma Ursula "
    "Valentina Vera Wanda Willa Yolanda Yuki Zora"
).split()
_GIVEN_M = (
    "Abel Ahmad Alonzo Ambrose Arvid Basil Bernard Calvin Cedric Clyde Cyrus Dario Desmond Dmitri "
    "Earl Edgar Emeka Ernesto Felix Floyd Gideon Glenn Gustavo Hank Harvey Hiroshi Hugo Ignacio "
    "Isaac Ivan Jerome Jonas Kenji Kwame Lamar Leonard Lionel Lorenzo Luther Malik Marcel Milton "
    "Moses Nestor Noel Omar Oscar Otto Percy Quincy Rafael Rashid Reuben Roland Roscoe Saul Silas "
    "Stefan Tobias Vernon Virgil Walter Wendell Xavier Yusuf"
).split()
_STEMS = (
    "Ash Birch Bram Brook Cald Cole Crane Dun Elder Fair Fen Gale Gran Hal Hart Hollo Kest Kirk "
    "Lang Lin Lock Mar Mill Nor Oak Pell Penn Quill Rad Rook Sel Shaw Stan Stone Thorn Tor Under "
    "Vale Ward Wex Whit Wil Win Wood Yar"
).split()
_TAILS = "bourne bridge brook by combe croft dale den field ford gate ham hurst ley low man mere ridge row sby stead ston ton way well wick worth".split()  # noqa: E501
_OTHER_SURNAMES = (
    "Abara Achterberg Adeyinka Balanza Barrozo Castellar Chaudry Dlaminov Echavez Feldhaus Ghorban "
    "Haldorsen Ibarrola Jankovich Kaminara Kuroda Lindqvall Mbeki-Tran Nakashiro Okonjay Oyelade "
    "Pavlichek Quispeano Rastogui Saldivara Tanakawa Umarov Varghesan Wojtasik Xiongli Yamadera "
    "Zelenkova Nguyenho Hoangvu Santolaya Moralet Figuerado Kowalchek Andreassin Bergstrand"
).split()
_STREETS = "Alder Bayberry Canal Cedar Chandler Dockside Ferry Foundry Harbor Juniper Lantern Maple Mercer Orchard Pilot Quarry Saltmarsh Sycamore Tannery Wharf".split()  # noqa: E501
_TOWNS = ("Harrow Point", "North Fenwick", "Saltbridge", "Elder Falls", "Marrow Creek", "Tolland")
_LATEST = date(2024, 9, 30)
_EARLIEST = date(2019, 3, 1)


@dataclass(frozen=True, slots=True)
class Style:
    """How a hand writes; rates are per opportunity."""

    headings: str
    short_forms: float
    typos: float
    ros: str
    vitals: str
    joiner: str


@dataclass(frozen=True, slots=True)
class Author:
    """A clinician of the hospital with a hand of their own."""

    author_id: str
    given: str
    family: str
    suffix: str
    role: str
    specialty: str
    style: Style

    @property
    def name(self) -> str:
        """Give the name as it stands under a note."""
        return f"{self.given} {self.family}, {self.suffix}"


_HEADINGS = ("colon", "caps", "numbered", "bullet", "dictated", "caps_own_line")
_STAFF = (
    *(("hospitalist", "Internal Medicine", "MD", 8), ("emergency", "Emergency Medicine", "MD", 6)),
    *(("radiologist", "Radiology", "MD", 4), ("nurse", "Nursing", "RN", 10)),
    *(("primary", "Family Medicine", "MD", 6), ("surgeon", "General Surgery", "MD", 3)),
)
SERVICES = (
    "Cardiology Pulmonology Neurology Gastroenterology Nephrology Endocrinology Oncology "
    "Hematology Rheumatology Psychiatry Pediatrics Obstetrics Orthopedics"
).split() + ["Infectious Disease", "Critical Care", "General Surgery", "Internal Medicine"]


def surname(dice: Dice) -> str:
    """Compose a surname that is nobody's in particular."""
    if dice.chance(0.3):
        return dice.pick(_OTHER_SURNAMES)
    return dice.pick(_STEMS) + dice.pick(_TAILS)


def _style(dice: Dice, role: str, turn: int) -> Style:
    nurse = role == "nurse"
    return Style(
        headings=_HEADINGS[turn % len(_HEADINGS)],
        short_forms=dice.pick((0.1, 0.3)) if nurse else dice.pick((0.0, 0.25, 0.5, 0.8)),
        typos=dice.pick((0.0, 0.0, 0.002, 0.006)),
        ros=dice.pick(("prose", "boxes", "list", "minus")),
        vitals=dice.pick(("line", "slashes", "sentence")),
        joiner=dice.pick(("oxford", "plain", "slash")),
    )


def _author(role: str, specialty: str, suffix: str, turn: int) -> Author:
    dice = Dice(sum(map(ord, role + specialty)), turn)
    given = dice.pick(_GIVEN_F + _GIVEN_M)
    family = surname(dice)
    if role in ("hospitalist", "specialist") and dice.chance(0.2):
        suffix = dice.pick(("NP", "PA-C", "DO"))
    number = stable_id("practitioner", role, specialty, turn)
    return Author(number, given, family, suffix, role, specialty, _style(dice, role, turn))


@cache
def staff(role: str, specialty: str = "") -> tuple[Author, ...]:
    """List the clinicians in a role; specialists are per service."""
    if role == "specialist":
        return tuple(_author(role, specialty, "MD", turn) for turn in range(3))
    row = next(r for r in _STAFF if r[0] == role)
    return tuple(_author(role, row[1], row[2], turn) for turn in range(row[3]))


@cache
def everyone() -> tuple[Author, ...]:
    """List all clinicians of the hospital."""
    roles = [a for row in _STAFF for a in staff(row[0])]
    return tuple(roles + [a for service in SERVICES for a in staff("specialist", service)])


def person(seed: int, index: int, age: int, female: bool) -> tuple[Person, date]:
    """Invent the patient on paper, and the day on which the illness shows itself."""
    dice = Dice(seed, index, 2)
    onset = _EARLIEST + timedelta(days=dice.between(0, (_LATEST - _EARLIEST).days))
    days = int(age * 365.25) + dice.between(20, 340)
    names = _GIVEN_F if female else _GIVEN_M
    return Person(
        patient_id=patient_id(seed, index),
        mrn=f"HP{1_000_000 + index:08d}",
        given=dice.pick(names),
        middle=dice.pick("ABCDEFGHJKLMNPRSTW"),
        family=surname(dice),
        female=female,
        born=onset - timedelta(days=days),
        street=f"{dice.between(2, 980)} {dice.pick(_STREETS)} {dice.pick(('St', 'Ave', 'Rd'))}",
        town=dice.pick(_TOWNS),
        postal=f"00{dice.between(100, 999)}",
        phone=f"555-01{dice.between(0, 99):02d}",
    ), onset
