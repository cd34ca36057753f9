"""The one place where pillars, outcomes, metrics and columns are named.

Every other module imports these names; nothing else spells them out. Units
and ranges stand beside the name, so that a loader, a check and a page agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the names are needed by the command line, pandas is not
    import pandas as pd

# Every page, message and command speaks these.
LANGUAGES = ("en", "pl", "it", "fi", "th")

PILLARS = ("brand", "people", "insights", "relationships")
EXPOSURES = ("total", *PILLARS)

# One unit of an exposure in a model: 10 points of the total, 10 % of a pillar's range
# (methods.md section 1), so that a rate ratio is always "per +10 SSI points".
EXPOSURE_UNIT = {"total": 10.0, **dict.fromkeys(PILLARS, 2.5)}
EXPOSURE_RANGE = {"total": (0.0, 100.0), **dict.fromkeys(PILLARS, (0.0, 25.0))}

# In the panel the total is called `ssi`, as in methods.md; everywhere else it is "total".
PANEL_EXPOSURE = {"total": "ssi", **{pillar: pillar for pillar in PILLARS}}

# Readings at the cap say that the score could not rise (methods.md section 1).
CAP = {"ssi": 97.0, **dict.fromkeys(PILLARS, 24.5)}

KINDS = ("inquiry", "meeting", "opportunity", "deal_won", "deal_lost")

COUNT_OUTCOMES = ("inquiries", "meetings", "opportunities", "deals")
AMOUNT_OUTCOMES = ("revenue",)
RATE_OUTCOMES = ("meeting_rate", "win_rate")
BINARY_OUTCOMES = ("quota_hit",)
OUTCOMES = (
    "inquiries",
    "meetings",
    "meeting_rate",
    "win_rate",
    "deals",
    "revenue",
    "opportunities",
    "quota_hit",
)
# methods.md section 4: Holm over these four, for C and for D of the total.
PRIMARY_OUTCOMES = ("inquiries", "meetings", "meeting_rate", "win_rate")
VOLUME_OUTCOMES = ("inquiries", "meetings")
EFFECTIVENESS_OUTCOMES = ("meeting_rate", "win_rate")
KIND_OF_OUTCOME = {
    "inquiries": "inquiry",
    "meetings": "meeting",
    "opportunities": "opportunity",
    "deals": "deal_won",
}
SOURCES = ("linkedin", "other", "unknown")

# What a member does on LinkedIn (counts per day).
ACTIVITY_METRICS = (
    "posts", "reposts", "comments", "reactions", "invitations_sent", "connections_added", "messages_sent",
    "inmails_sent", "searches", "profile_views", "leads_saved", "accounts_saved", "follows",
    "days_active", "active_minutes",
)  # fmt: skip
# What happens to a member: it is not activity and never enters A_k.
RECEIVED_METRICS = ("invitations_received", "messages_received")
REACH_METRICS = ("post_impressions", "post_engagements", "new_followers")
METRICS = ACTIVITY_METRICS + RECEIVED_METRICS + REACH_METRICS
# Not counts of actions: they would count the same action twice beside the others.
NOT_ACTIONS = ("days_active", "active_minutes")

# The types of activity of methods.md section 1 (act_k, A_k), each with the pillar that LinkedIn says it feeds
# (formats.md section 2.1). A pillar without any logged metric makes the log incomplete (methods.md section 8).
ACTIVITY_TYPES = {
    "posts": ("posts", "reposts"),
    "searches": ("searches", "profile_views", "leads_saved", "accounts_saved"),
    "engagements": ("comments", "reactions", "messages_sent", "inmails_sent", "follows"),
    "invites": ("invitations_sent", "connections_added"),
}
PILLAR_OF_ACTIVITY = {
    "posts": "brand",
    "searches": "people",
    "engagements": "insights",
    "invites": "relationships",
}

SSI_COLUMNS = ("person", "date", *PILLARS, "total", "industry_rank", "network_rank")
ACTIVITY_COLUMNS = ("person", "date", "metric", "count", "first_day")
CRM_COLUMNS = ("person", "date", "kind", "amount", "currency", "source", "deal", "started")
PEOPLE_COLUMNS = (
    "person", "email", "linkedin_name", "linkedin_url", "team", "territory", "hired_on", "licence_start",
    "crm_owner", "aliases",
)  # fmt: skip
SYSTEM_IDS = (
    "salesforce_user_id", "hubspot_owner", "pipedrive_user", "dynamics_owner", "zoho_owner_id", "salesnav_seat_id",
)  # fmt: skip
QUOTA_COLUMNS = ("person", "period_start", "period_end", "quota", "currency")
ABSENCE_COLUMNS = ("person", "first_day", "last_day")
# A stretch of consecutive rows of one file that met the same fate; `rows` adds up to the rows of the file.
LEDGER_COLUMNS = ("file", "table", "first_row", "last_row", "rows", "status", "reason", "detail")
LEDGER_STATUS = ("used", "repaired", "skipped", "unmatched")

# Verdict codes, methods.md section 8.
ACTIVITY_GAUGE = "activity_gauge"
LEADING_INDICATOR = "leading_indicator"
EFFECTIVENESS_MEASURE = "effectiveness_measure"
NO_ASSOCIATION = "no_association"
INCONCLUSIVE = "inconclusive"
VERDICTS = (ACTIVITY_GAUGE, LEADING_INDICATOR, EFFECTIVENESS_MEASURE, NO_ASSOCIATION, INCONCLUSIVE)
CLAIM_STATES = ("supported", "supported_smaller", "contradicted", "not_enough_data", "not_testable")

# Smallest effect of interest, as a rate ratio per exposure unit (methods.md section 8).
SESOI = {
    "inquiries": 1.10, "opportunities": 1.10, "meetings": 1.10, "meeting_rate": 1.10, "quota_hit": 1.10,
    "win_rate": 1.15, "deals": 1.15, "revenue": 1.15,
}  # fmt: skip


@dataclass(frozen=True)
class Tables:
    """Everything read from a folder of exports, one pandas frame per table.

    Persons are codes (``P07``) in every table; `people` is the only frame that
    also holds names, and never leaves the reading stage (design.md section 7).

    Attributes
    ----------
    ssi, activity, crm_events, people, quotas, absences, ledger : pandas.DataFrame
        Columns as `SSI_COLUMNS` and so on; dates are ``datetime64`` days.
        `people` has the code in ``person`` and the user's own name in ``name``.
    notes : tuple of str
        What was decided while reading and a reader must know.
    fingerprint : str
        sha256 over the names and bytes of the files that were read.
    sample : bool
        True when the data are the invented sample.
    """

    ssi: pd.DataFrame
    activity: pd.DataFrame
    crm_events: pd.DataFrame
    people: pd.DataFrame
    quotas: pd.DataFrame
    absences: pd.DataFrame
    ledger: pd.DataFrame
    notes: tuple[str, ...] = field(default=())
    fingerprint: str = ""
    sample: bool = False
