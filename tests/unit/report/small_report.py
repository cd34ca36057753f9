"""A report of a few small notebooks, as a module for tests and as a program that tests can kill.

`python -m tests.unit.report.small_report FOLDER DATA SECONDS` makes the report of the notebooks in FOLDER.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
import time
from pathlib import Path

from ssi_audit.report.context import PageContext
from ssi_audit.report.jobs import Job, Step
from ssi_audit.report.run import build_report, report_key

CONTEXT = PageContext(run_date=dt.date(2026, 1, 14), version="0.1.0", sample=True)


def write_notebooks(folder: Path) -> None:
    """Three notebooks: one page, one page per pillar, and the answer."""
    from tests.unit.report.notebook_maker import write_notebook

    write_notebook(
        folder / "01-data-quality.ipynb",
        "# Can we trust the data?",
        "## Count",
        "from pathlib import Path\ntables = Path(reports_dir, 'tables')\ntables.mkdir()",
        "_ = (tables / '01-data-quality-rows.csv').write_text('rows\\n3\\n')",
        "print('three rows')",
        parameters="reports_dir = 'reports'",
    )
    write_notebook(
        folder / "02-correlation.ipynb",
        "# What does it go with?",
        "## Draw",
        "import time; time.sleep(seconds)",
        "print('pillar', pillar)",
        parameters="pillar = 'brand'  # one of: brand, people, total\nseconds = 0.0",
    )
    write_notebook(folder / "00-answer.ipynb", "# Does SSI deserve our attention?", "print('answer')")


def steps(folder: Path, depends: str = "data", seconds: float = 0.0, **pillars: dict) -> list[Step]:
    """The steps of the report; `pillars` replaces parameters of single jobs by page name."""

    def correlation(pillar: str) -> Job:
        parameters = {"pillar": pillar, "seconds": seconds, **pillars.get(pillar, {})}
        return Job(folder / "02-correlation.ipynb", f"02-correlation-{pillar}", pillar, parameters, depends=depends)

    quality = Job(folder / "01-data-quality.ipynb", "01-data-quality", "Data", depends=depends)
    answer = Job(folder / "00-answer.ipynb", "index", "Answer", depends=depends, layout="bare")
    return [
        Step("data quality", (quality,), lambda results: "3 rows"),
        Step("correlation", (correlation("brand"), correlation("total"))),
        Step("answer", (answer,)),
    ]


def build(folder: Path, depends: str = "data", seconds: float = 0.0, pillars: dict | None = None, **options):
    """Make the report into FOLDER/reports."""
    made = steps(folder, depends, seconds, **(pillars or {}))
    key = report_key(
        {job.notebook for step in made for job in step.jobs}, depends=depends, seconds=seconds, more=pillars
    )
    options = {"context": CONTEXT, "extra": {"answer.json": json.dumps(depends).encode()}, **options}
    return build_report(made, out=folder / "reports", run_key=key, **options)


if __name__ == "__main__":
    _, where, depends, seconds = sys.argv
    result = build(Path(where), depends, float(seconds))
    heavy = {"papermill", "nbconvert", "pandas", "matplotlib", "jupyter_client"} & set(sys.modules)
    seen = {"ok": result.ok, "unchanged": result.unchanged, "heavy": sorted(heavy), "seconds": time.process_time()}
    print(json.dumps(seen), flush=True)
