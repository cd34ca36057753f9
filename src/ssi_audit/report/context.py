"""What a page must know beside the results: whose data, which run, which language.

Every page has the same header and footer, so every page takes the same
object. Nothing in it is computed here and nothing in it names a person.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True)
class PageContext:
    """The frame of a page: header, footer, links and language.

    Attributes
    ----------
    organisation : str
        As in the settings; empty: no name is shown.
    n_teams : int
        Of all sizes, as the trust check counts them; 0: none are known.
    start, end : date, optional
        First and last day of the period that was analysed.
    n_people : int
        Sellers in the analysis.
    sample : bool
        True when the data are the invented sample: every page says so loudly.
    run_date : date, optional
        The only clock on a page.
    version : str
        Of ssi-audit.
    fingerprint, settings_fingerprint : str
        sha256 of the data and of the settings.
    links : dict of str to str
        Page name (``01-data-quality``, ``02-correlation-brand``, ``glossary``, …) → relative address,
        in the order in which they are listed. Only pages that exist.
    labels : dict of str to str
        Page name → what links to it say, where its own name would not do: a team is known by its name, not its code.
    failed : tuple of str
        Names of pages that could not be made in this run; the index marks them.
    language : str
        ``en``, ``pl``, ``it``, ``fi`` or ``th``.
    currency : str
        ISO code of the amounts; empty: amounts are shown without one.
    settings : dict of str to str
        Settings that differ from the defaults, as shown in the footer.
    """

    organisation: str = ""
    n_teams: int = 0
    start: dt.date | None = None
    end: dt.date | None = None
    n_people: int = 0
    sample: bool = False
    run_date: dt.date | None = None
    version: str = ""
    fingerprint: str = ""
    settings_fingerprint: str = ""
    links: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    failed: tuple[str, ...] = ()
    language: str = "en"
    currency: str = ""
    settings: dict[str, str] = field(default_factory=dict)
