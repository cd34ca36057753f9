"""Twenty offices that cannot tell alone tell together, and tell the truth.

Full sizes are slow (`make worlds`); a small version runs every time.
"""

from __future__ import annotations

import multiprocessing
from collections import Counter

import pytest

from ssi_audit import models, schema, verdict
from ssi_audit.design import columns
from ssi_audit.evidence import Estimates, adjust_families, data_facts, judge_pair
from ssi_audit.panel import build_panel
from ssi_audit.parallel import n_workers
from ssi_audit.pool import pool, write_evidence
from ssi_audit.results import Audit, Correlation
from ssi_audit.settings import Settings
from ssi_audit.worlds import VERDICTS, make_world
from tests.worlds.tables import tables_of

OFFICES = 20
NO_LINK = Correlation(why="not asked for here")


def office(job):
    """Evidence of one simulated office for the four main results, and its verdict alone."""
    name, people, weeks, seed, path = job
    tables, settings = tables_of(make_world(name, people, weeks, seed)), Settings()
    panel = build_panel(tables)
    given = columns(panel)
    activity = models.activity_link(given, seed=settings.seed)
    control = models.negative_control(given, "total")
    pairs = [("total", outcome) for outcome in schema.PRIMARY_OUTCOMES]
    fits = {
        adjusted: adjust_families({pair: models.regress(given, *pair, adjusted, seed=None) for pair in pairs})
        for adjusted in (False, True)
    }
    cells = tuple(
        judge_pair(
            pair,
            Estimates(
                fits[False][pair], fits[True][pair], fits[False][pair], models.lead_placebo(given, *pair),
                NO_LINK, NO_LINK, NO_LINK,
            ),
            control, activity, given.seller_years, settings,
        )
        for pair in pairs
    )  # fmt: skip
    overall = verdict.judge_overall(list(cells), activity)
    write_evidence(Audit(data_facts(panel, tables, settings), overall, activity, cells), path, settings)
    return overall.verdict


def offices(folder, name, n, people=12, weeks=52, first=0):
    """Write the evidence of so many offices; returns path → verdict alone."""
    paths = [folder / f"office-{seed:03d}.json" for seed in range(first, first + n)]
    jobs = [(name, people, weeks, seed, path) for seed, path in zip(range(first, first + n), paths, strict=True)]
    with multiprocessing.get_context("fork").Pool(n_workers()) as workers:
        return dict(zip(paths, workers.map(office, jobs, chunksize=1), strict=True))


def test_eight_offices_know_more_than_one(tmp_path):
    """Pooled, the standard error of every main effect is far below that of the best office."""
    alone = offices(tmp_path, "activity_gauge", 8, weeks=40)
    found = pool(list(alone))
    for outcome in ("inquiries", "meetings", "meeting_rate"):
        best = min((row.high / row.low) for row in found.forest("total", outcome).rows)
        fit = found.audit.cell("total", outcome).adjusted
        assert fit.high / fit.low < best
    assert found.audit.overall.tracks_activity == "yes"


@pytest.mark.slow
@pytest.mark.parametrize("first", [0, 500])
@pytest.mark.parametrize("name", ["effectiveness", "activity_gauge"])
def test_twenty_offices_tell_what_one_cannot(tmp_path, name, first):
    """20 x (12 x 52): each alone can't tell, pooled they give the world's own verdict."""
    alone = offices(tmp_path, name, OFFICES, first=first)
    together = pool(list(alone)).audit.overall
    print(f"\n{name}, offices from {first}: alone {dict(Counter(alone.values()))}; pooled {together.verdict}")
    assert set(alone.values()) == {schema.INCONCLUSIVE}
    assert together.verdict in VERDICTS[name][0]


@pytest.mark.slow
def test_twenty_offices_without_any_link_invent_none(tmp_path):
    """`null`, three sets of twenty offices: no set says yes."""
    for first in (0, 100, 200):
        (tmp_path / str(first)).mkdir()
        found = pool(list(offices(tmp_path / str(first), "null", OFFICES, first=first))).audit.overall
        print(f"\nnull, offices from {first}: {found.verdict}")
        assert found.verdict in (schema.NO_ASSOCIATION, schema.INCONCLUSIVE)


@pytest.mark.slow
def test_offices_that_differ_are_told_apart_from_offices_that_agree(tmp_path):
    """Half with an effect on closing, half without: large heterogeneity, and a prediction that includes none."""
    with_effect = offices(tmp_path, "effectiveness", 10, people=24)
    (tmp_path / "other").mkdir()
    without = offices(tmp_path / "other", "null", 10, people=24, first=50)
    mixed = pool([*with_effect, *without]).forest("total", "win_rate", "crude")
    alike = pool(list(with_effect)).forest("total", "win_rate", "crude")
    print(f"\nmixed: I2 {mixed.i2:.0f} %, alike: I2 {alike.i2:.0f} %")
    assert mixed.i2 > 40 > alike.i2
    assert mixed.q_p < 0.05 < alike.q_p
    assert mixed.predict_low < 1 < mixed.low
