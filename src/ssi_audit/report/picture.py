"""What every picture is, however it was drawn: a finding, a description, a body, its numbers."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from ssi_audit.report.tables import Table
from ssi_audit.report.templating import render
from ssi_audit.report.words import Words


@dataclass(frozen=True)
class Figure:
    """A picture with its words and its numbers.

    Attributes
    ----------
    name : str
        Stem of its file of numbers, and prefix of the ids inside it.
    title : str
        The finding.
    alt : str
        What there is to see, in words.
    body : Markup
        SVG or HTML with ``role="img"``.
    numbers : Table
        The numbers that are drawn.
    note : str
        One line below, such as the caveat of this picture.
    """

    name: str
    title: str
    alt: str
    body: Markup
    numbers: Table
    note: str = ""

    @property
    def wide(self) -> bool:
        """Too wide for a phone: it scrolls there."""
        return 'class="fig wide"' in self.body

    def html(self, words: Words, *, csv: str = "", fold: bool = True) -> Markup:
        """The picture as a figure of a page.

        Parameters
        ----------
        words : Words
        csv : str
            Address of the file with the numbers; empty: no link.
        fold : bool
            False where the table stands elsewhere on the page.
        """
        numbers = self.numbers.fold(words, csv) if fold else ""
        return render("figure.html.j2", figure=self, numbers=numbers)

    def _repr_html_(self) -> str:
        return self.html(Words())
