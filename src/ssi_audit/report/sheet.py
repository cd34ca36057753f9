"""What a notebook sees of the report: one run, one language, and a place for its tables.

A notebook opens its sheet in the first cell, calls an analysis function per
step and shows what comes back. Showing puts the table or picture on the page
and its numbers into ``tables/<page>-<name>.csv``, so that the two cannot
differ.
"""

from __future__ import annotations

import json
import os
import pickle
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from ssi_audit import schema, workspace
from ssi_audit.errors import Problem, SettingsError
from ssi_audit.privacy import public_settings
from ssi_audit.report.context import PageContext
from ssi_audit.report.language import Language
from ssi_audit.report.picture import Figure
from ssi_audit.report.tables import Column, Table, write_csv
from ssi_audit.report.templating import environment, rich
from ssi_audit.report.words import Words
from ssi_audit.results import Audit
from ssi_audit.teams import TeamPlan, plan_teams

# Runs read before the kernels of a report were forked, by what a notebook asks for (`hand_over`).
_handed_over: dict[str, workspace.Run] = {}
# Names the file of `hand_over` to kernels that were not forked.
HANDED_OVER = "SSI_AUDIT_HANDED_OVER"
# Tells kernels on other machines, to which nothing is handed over, that unreadable files were left out.
SKIP_UNREADABLE = "SSI_AUDIT_SKIP_UNREADABLE"
# What nearly every page is filled with.
PARTS = ("dots.html.j2", "figure.html.j2", "table.html.j2", "fold.html.j2")
# A team's name in a list of links, in characters.
LONGEST_LABEL = 40


@dataclass(frozen=True)
class Sheet:
    """The page that a notebook fills.

    Attributes
    ----------
    name : str
        ``02-correlation-brand``; prefix of its tables.
    run : workspace.Run
        Panel, tables (codes only), results and settings.
    words : Words
        Sentences in the reader's language.
    folder : Path, optional
        Where files go; None (JupyterLab): nowhere.
    """

    name: str
    run: workspace.Run
    words: Words
    folder: Path | None = None
    _shown: set[str] = field(default_factory=set)

    @property
    def audit(self) -> Audit:
        """All results of the run."""
        return self.run.audit

    @property
    def panel(self) -> pd.DataFrame:
        """One row per person and period."""
        return self.run.panel

    def show(self, item: Table | Figure | None, name: str, otherwise: str = "") -> None:
        """Put a table or a picture on the page and its numbers into a file.

        Parameters
        ----------
        item : Table or Figure or None
            None where these data have nothing to show.
        name : str
            Of the file, unique on the page.
        otherwise : str
            What is said in place of nothing.

        Raises
        ------
        ValueError
            If the name was used before: the second would overwrite the first.
        """
        from IPython.display import HTML, display

        if item is None:
            return self.miss(otherwise)
        if name in self._shown:
            raise ValueError(f"{name!r} was shown before on this page; give each table a name of its own")
        self._shown.add(name)
        address = f"tables/{self.name}-{name}.csv"
        numbers = item.numbers if isinstance(item, Figure) else item
        has_rows = len(numbers.frame) > 0
        if self.folder is not None and has_rows:
            write_csv(numbers, self.folder / address)
        link = address if has_rows else ""
        if isinstance(item, Figure):
            display(HTML(item.html(self.words, csv=link)))
        else:
            display(HTML(item.html(self.words) + (self.words.csv_link(link, item.caption) if link else Markup())))

    def say(self, *sentences: str) -> None:
        """Put finished sentences on the page: one as a paragraph, several as a list."""
        from IPython.display import HTML, display

        kept = [rich(sentence) for sentence in sentences if sentence]
        if len(kept) == 1:
            display(HTML(Markup("<p>{}</p>").format(kept[0])))
        elif kept:
            items = Markup().join(Markup("<li>{}</li>").format(sentence) for sentence in kept)
            display(HTML(Markup('<ul class="findings">{}</ul>').format(items)))

    def miss(self, sentence: str) -> None:
        """Put a sentence on the page that says what is missing."""
        from IPython.display import HTML, display

        if sentence:
            display(HTML(Markup('<p class="missing">{}</p>').format(rich(sentence))))

    def labels(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts of `quality` under the reader's words."""
        return {self.words.say(f"quality.{step}"): count for step, count in counts.items()}

    def with_table_labels(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of `quality.sellers_by_week` under the reader's words."""
        return frame.assign(table=[self.words.say(f"quality.{table}") for table in frame["table"]])

    def with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows of the ledger with its tables, states and reasons under the reader's words."""
        say = {"table": self.words.table_name, "status": self.words.column, "reason": self.words.ledger_reason}
        return frame.assign(**{key: [say[key](name) for name in frame[key]] for key in say if key in frame})

    def counts(self, caption: str, counts: Mapping[str, int]) -> Table:
        """Make a table of counts of `quality`, one a row."""
        rows = pd.DataFrame({"step": list(self.labels(counts)), "count": list(counts.values())})
        return self.table(caption, rows, count="count")

    def teams(self) -> Table:
        """Make the table of teams: who has a page, who is listed, how many are neither."""
        plan, data = self.team_plan, self.audit.data
        rows = [(name, data["teams"][name], code) for code, name in plan.pages.items()]
        rows += [(name, n, self.words.say("team.listed")) for name, n in plan.listed.items()]
        if plan.others:
            rows.append((self.words.say("team.others"), plan.others, ""))
        columns = (
            Column("team", self.words.say("team.name")),
            Column("people", self.words.column("people"), "count"),
            Column("page", self.words.say("team.page")),
        )
        return Table(self.words.say("team.caption"), pd.DataFrame(rows, columns=["team", "people", "page"]), columns)

    @property
    def team_plan(self) -> TeamPlan:
        """Which teams may be shown."""
        return teams_of(self.run)

    def table(self, caption: str, frame: pd.DataFrame, **kinds: str) -> Table:
        """Make a table from a frame; `kinds` says how columns are written (`tables.Column`), text otherwise."""
        columns = tuple(
            Column(str(key), self.words.column(str(key)), kinds.get(str(key), "text")) for key in frame.columns
        )
        return Table(caption, frame, columns)


def teams_of(run: workspace.Run) -> TeamPlan:
    """Which teams of a run may be shown."""
    return plan_teams(run.audit.data["teams"], run.audit.data["people"], run.settings)


def open_sheet(name: str, data: str, options: dict[str, Any] | None = None, reports_dir: str = "") -> Sheet:
    """Open the run of a data folder for a notebook.

    Parameters
    ----------
    name : str
        Name of the page.
    data : str
        Folder of exports.
    options : dict, optional
        Settings that take precedence over ``ssi-audit.toml``.
    reports_dir : str
        Where tables are written; empty: nowhere.
    """
    run = _run_of(data, options)
    words = Words(run.settings.language, run.settings.sesoi, run.audit.data["currency"], run.settings.period)
    return Sheet(name, run, words, Path(reports_dir) if reports_dir else None)


def hand_over(run: workspace.Run, data: str, options: dict[str, Any], file: Path) -> dict[str, str]:
    """Write a run for the kernels of a report, so that it is read once and every page shows the same.

    Reading it would cost each a quarter of a second, and without the files that were left out as unreadable it
    would be another run.

    Parameters
    ----------
    run : workspace.Run
    data, options
        As notebooks will ask for it.
    file : Path
        In a folder that only the user can enter.

    Returns
    -------
    dict of str to str
        Variables for the kernels; those forked after `take_over` have the run already.
    """
    file.write_bytes(pickle.dumps((_asked(data, options), run), protocol=5))
    return {HANDED_OVER: str(file)}


def take_over(file: str) -> None:
    """Read what was handed over, and what else nearly every page needs; starts no thread, for the forks to come."""
    asked, run = pickle.loads(Path(file).read_bytes())  # from `hand_over`, in a folder of our own
    _handed_over[asked] = run
    Words(run.settings.language, run.settings.sesoi, run.audit.data["currency"])
    for part in PARTS:
        environment().get_template(part)


def _run_of(data: str, options: dict[str, Any] | None) -> workspace.Run:
    file = os.environ.get(HANDED_OVER)
    if file and not _handed_over:
        take_over(file)
    handed = _handed_over.get(_asked(data, options))
    return handed or workspace.load_run(data, options, skip_unreadable=SKIP_UNREADABLE in os.environ)


def _asked(data: str, options: dict[str, Any] | None) -> str:
    return json.dumps([str(Path(data)), options or {}], sort_keys=True, default=str)


def check_choice(name: str, value: str, allowed: tuple[str, ...] = schema.EXPOSURES) -> None:
    """Refuse a misspelt parameter of a notebook before anything is computed.

    Raises
    ------
    SettingsError
        Naming the values that exist.
    """
    if value not in allowed:
        raise SettingsError(Problem("", f"{name} = {value!r} does not exist", f"choose one of {', '.join(allowed)}"))


def page_context(run: workspace.Run, **more: Any) -> PageContext:
    """Header and footer of every page of a run."""
    import datetime as dt

    from ssi_audit.settings import Settings

    data, settings = run.audit.data, run.settings
    language = Language(settings.language)
    labels = {
        f"06-team-{code}": language.say("page.team", team=textwrap.shorten(name, LONGEST_LABEL, placeholder="…"))
        for code, name in teams_of(run).pages.items()
    }
    default = Settings().model_dump(mode="json")
    chosen = settings.model_dump(mode="json")
    public = public_settings(chosen, settings.show_names)
    changed = {option: str(public[option]) for option, value in chosen.items() if value != default[option]}
    return PageContext(
        organisation=settings.organisation,
        n_teams=data["teams_all"],
        start=dt.date.fromisoformat(data["start"]),
        end=dt.date.fromisoformat(data["end"]),
        n_people=data["people"],
        sample=data["sample"],
        version=run.audit.version,
        fingerprint=data["fingerprint"],
        settings_fingerprint=settings.fingerprint(),
        language=settings.language,
        currency=data["currency"],
        settings={name: value for name, value in changed.items() if name not in ("language", "organisation")},
        labels=labels,
        **more,
    )
