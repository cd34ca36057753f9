"""Invented sellers of five countries: names with the letters that break naive matching.

Real teams are called Łukasz, Päivi and D'Angelo, so the invented ones are too.
Names follow from the number of the person alone; addresses use the reserved
domain ``.example``.
"""

from __future__ import annotations

from dataclasses import dataclass

from anyascii import anyascii

ORGANISATION_DOMAIN = "meridian.example"

# First names and family names by country; family names that have no form by gender.
NAMES = {
    "pl": (
        "Agnieszka Łukasz Celina Paweł Elżbieta Filip Grażyna Sławomir Iwona Jakub Katarzyna Bartosz Małgorzata "
        "Norbert Olga Dorota Radosław Henryk Tomasz Urszula Weronika Żaneta",
        "Nowak Wójcik Kowalczyk Mazur Woźniak Dudek Wieczorek Zając Król Wróbel Stępień Gołąb Pająk Sikora Baran "
        "Duda Szewczyk Pietrzak Bąk Kaczmarek Kubiak Górka",
    ),
    "it": (
        "Alessandro Beatrice Carlo Donatella Elisa Fabrizio Giulia Ilaria Lorenzo Marta Niccolò Ottavia Paolo "
        "Raffaele Simona Tommaso Umberto Valentina Zeno Chiara Davide Noè",
        "Rossi Bianchi Ferrari Esposito Ricci Marino Greco Conti De_Luca Galli Fontana Caruso Mariani Rinaldi "
        "Lombardi Moretti Barbieri Fabbri Villa Serra D'Angelo Riccò",
    ),
    "fi": (
        "Aino Eero Helmi Ilkka Jukka Kaisa Lauri Maarit Niilo Oskari Päivi Riikka Seppo Tuula Urho Väinö Yrjö "
        "Sini Antti Saara Tyyne Mirva",
        "Korhonen Virtanen Mäkinen Nieminen Mäkelä Hämäläinen Laine Heikkinen Koskinen Järvinen Lehtonen Salonen "
        "Rantanen Kärkkäinen Tuominen Ahonen Hyvönen Ojala Väisänen Kettunen Lähteenmäki Sääskilahti",
    ),
    "th": (
        "Somchai Anong Kittisak Malee Narong Pimchanok Prasert Ratana Suchart Siriporn Thanawat Ubon Wichai Yupin "
        "Chalerm Duangjai Ekachai Kanya Nattapong Orathai Pornthip Sunisa",
        "Wongsawat Srisuk Chaiyasit Boonmee Rattanakul Saetang Thongchai Suwannarat Phromma Kittikhun Charoensuk "
        "Jaidee Limsakul Maneewong Pattanakit Ruangsri Sombat Tantipong Udomchai Wattana Yodsuk Intharat",
    ),
    "en": (
        "Alice Benjamin Charlotte Daniel Eleanor Frederick Grace Harriet Isaac Jessica Kieran Laura Matthew Naomi "
        "Oliver Philippa Quentin Rebecca Samuel Tabitha Victor Zoe",
        "Adams Baker Carter Davies Ellis Fletcher Green Hughes Ingram Jenkins Knight Lawson Morgan Norris Osborne "
        "Parker Reeves Shaw Turner Underwood Walsh Young",
    ),
}
_POOLS = [(first.split(), [family.replace("_", " ") for family in last.split()]) for first, last in NAMES.values()]


@dataclass(frozen=True)
class Name:
    """One invented person.

    Attributes
    ----------
    full : str
        As the person writes it.
    slug : str
        Lower-case ASCII, ``first.family``; unique among all numbers.
    """

    full: str
    slug: str

    @property
    def email(self) -> str:
        """Address at the invented organisation."""
        return f"{self.slug}@{ORGANISATION_DOMAIN}"

    @property
    def linkedin_url(self) -> str:
        """Address of an invented profile."""
        return f"https://www.linkedin.com/in/{self.slug.replace('.', '-')}-example"


def invented_name(number: int) -> Name:
    """Name the person of this number (from 0); countries take turns.

    After 2,420 persons names come back with a middle initial, then with two.
    """
    first_names, family_names = _POOLS[number % len(_POOLS)]
    number //= len(_POOLS)
    n_first, n_family = len(first_names), len(family_names)
    first = number % n_first
    round_, turn = divmod(number // n_first, n_family)
    # The step mixes the families, so that neighbours do not share one; every pair still comes once.
    family = family_names[(5 * first + turn) % n_family]
    parts = [first_names[first], *_initials(round_), family]
    return Name(" ".join(parts), slug(parts))


def slug(parts: list[str]) -> str:
    """Lower-case ASCII of the parts of a name, joined by dots."""
    folded = ("".join(c for c in anyascii(part).lower() if c.isalnum()) for part in parts)
    return ".".join(folded)


def _initials(round_: int) -> list[str]:
    """Middle initials of the n-th pass through the names: none, A. .. Z., A. A. and so on."""
    letters: list[str] = []
    while round_ > 0:
        round_, letter = divmod(round_ - 1, 26)
        letters.insert(0, f"{chr(ord('A') + letter)}.")
    return letters
