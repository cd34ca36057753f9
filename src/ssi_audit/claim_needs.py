"""Which published claims the files can test, and what is missing for the others, before anything is fitted.

Each kind of test says "not testable" by itself and names the export (claims.py),
but only after models were fitted. `check` asks beforehand, from the same panel
and with the same words; a test holds the two together. Whether the data that
are there suffice is another question, and the report's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ssi_audit import schema
from ssi_audit.claim_data import NEEDS_ACTIVITY, Case
from ssi_audit.claim_rules import NotTestable
from ssi_audit.claim_tests_score import COMES_FROM
from ssi_audit.claims import Claim

# Kinds that compare at equal activity, or that are about activity.
_ON_ACTIVITY = ("beyond_activity", "no_link", "activity_explains", "active_against_passive")


def missing_for(claim: Claim, case: Case) -> str:
    """What a claim lacks in these files, as its test would say it; empty when it can be tested.

    Parameters
    ----------
    claim : Claim
    case : Case
    """
    try:
        if claim.kind in _ON_ACTIVITY:
            case.require_activity()
        for need in (_scores, _activity_of_claim, _metrics, *_OF_KIND.get(claim.kind, (_first_outcome,))):
            need(case, claim.parameters)
    except NotTestable as why:
        return str(why)
    return ""


def _first_outcome(case: Case, ask) -> None:
    if outcomes := getattr(ask, "outcomes", ()):
        case.first_of(outcomes)


def _every_outcome(case: Case, ask) -> None:
    for outcome in ask.outcomes:
        case.first_of([outcome])


def _every_stage(case: Case, ask) -> None:
    for stage in (ask.early, *ask.later):
        case.first_of([stage])


def _scores(case: Case, ask) -> None:
    case.require_scores(getattr(ask, "exposures", ()))


def _pillars(case: Case, ask) -> None:
    case.require_scores(schema.PILLARS)


def _activity_of_claim(case: Case, ask) -> None:
    wanted = getattr(ask, "per_activity", ())
    if wanted and not set(wanted) & set(case.facts["activity_types"]):
        case.require_activity()
        raise NotTestable(f"no {' or '.join(wanted)} in the activity files")


def _metrics(case: Case, ask) -> None:
    wanted = [names for names in (getattr(ask, "metrics", ()), getattr(ask, "given", ())) if names]
    if wanted and case.tables.activity.empty:
        raise NotTestable(NEEDS_ACTIVITY)
    logged = set(case.tables.activity["metric"]) if wanted else set()
    for names in wanted:
        if not logged & set(names):
            source = COMES_FROM.get(names[0], "a usage report or the archive of LinkedIn")
            raise NotTestable(f"no {' or '.join(names)} in the files: add {source}")


def _licence(case: Case, ask) -> None:
    if case.licence_start.notna().sum() == 0:
        raise NotTestable("nobody's licence is dated: fill licence_start in people.csv")


def _tenure(case: Case, ask) -> None:
    if not np.isfinite(case.columns["tenure_weeks"]).any():
        raise NotTestable("nobody's tenure is known: fill hired_on in people.csv")


def _win_rate(case: Case, ask) -> None:
    case.first_of(["win_rate"])


def _deals(case: Case, ask) -> None:
    case.first_of(["deals"])


_OF_KIND: dict[str, tuple[Callable, ...]] = {
    "no_link": (_every_outcome,),
    "early_stage": (_every_stage,),
    "licence_lift": (_licence,),
    "fades_with_tenure": (_first_outcome, _tenure),
    "pillar_overlap": (_pillars,),
    "discordance": (_win_rate,),
    "better_indicator": (_deals,),
}
