"""A world's scores as people keep them beside the store of an extension: saved answers, saved pages, a tracker's log.

`world_exports_linkedin` writes the store itself. None of these files says whose
score it is: the name stands in the name of the file.
"""

from __future__ import annotations

import html
import json
from pathlib import Path

import pandas as pd

from ssi_audit.schema import PILLARS
from ssi_audit.world_exports_linkedin import file_words
from ssi_audit.writing import write_whole

# Ours → what the answer calls it; the answer gives them in another order, so a reader must go by name.
ANSWER_PILLARS = {
    "relationships": "STRONG_RELATIONSHIP",
    "brand": "PROFESSIONAL_BRAND",
    "insights": "INSIGHT_ENGAGEMENT",
    "people": "FIND_RIGHT_PEOPLE",
}
BARS = {"brand": "establish-brand", "people": "find-people", "insights": "engage-with-insights",
        "relationships": "build-relationships"}  # fmt: skip
# Averages of other people, which stand in the same files and must not be read as a score.
AVERAGES = {"industry": 31.02, "network": 35.03}
TRACKER_COLUMNS = (
    "Date", "Total_SSI", "Industry_Rank", "Network_Rank", "Brand", "People", "Insights", "Relationships",
    "Total_Connections", "SSI_Increase", "Connection_Limit", "Follow_Limit", "Total_Followers",
)  # fmt: skip


def write_saved_answers(ssi: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the readings of each person as a list of saved answers of the score's address, oldest first.

    Parameters
    ----------
    ssi : pandas.DataFrame
        Readings with the columns of `schema.SSI_COLUMNS`.
    folder : path
        Files go to ``ssi/ssi_answers_<person>.json`` below it.
    """
    paths = []
    for person, own in ssi.groupby("person", sort=True):
        saved = [
            {"collectedAt": f"{row['date']:%Y-%m-%d}T17:40:00Z", "data": _answer(row)}
            for row in own.sort_values("date").to_dict("records")
        ]
        paths.append(_write(folder / "ssi" / f"ssi_answers_{file_words(str(person))}.json", json.dumps(saved) + "\n"))
    return paths


def write_saved_pages(ssi: pd.DataFrame, folder: Path) -> list[Path]:
    """Write a saved page of the dashboard for each reading: the answer inside, and the blocks that a member sees.

    Parameters
    ----------
    ssi : pandas.DataFrame
        Readings with the columns of `schema.SSI_COLUMNS`.
    folder : path
        Pages go to ``ssi/pages/ssi_<person>_<day>.html`` below it.
    """
    return [
        _write(folder / "ssi" / "pages" / f"ssi_{file_words(row['person'])}_{row['date']:%Y-%m-%d}.html", _page(row))
        for row in ssi.to_dict("records")
    ]


def write_tracker_logs(ssi: pd.DataFrame, folder: Path) -> list[Path]:
    """Write the log of a tracker for each person; its limits are plans, its increase is a difference.

    Parameters
    ----------
    ssi : pandas.DataFrame
        Readings with the columns of `schema.SSI_COLUMNS`.
    folder : path
        Logs go to ``ssi/<person>/ssi_history.csv`` below it.
    """
    paths = []
    for person, own in ssi.groupby("person", sort=True):
        own = own.sort_values("date")
        log = pd.DataFrame(
            {
                "Date": own["date"].dt.strftime("%Y-%m-%d"),
                "Total_SSI": own["total"].astype(float),
                "Industry_Rank": own["industry_rank"].astype("Int64"),
                "Network_Rank": own["network_rank"].astype("Int64"),
                **{pillar.title(): own[pillar] for pillar in PILLARS},
                "Total_Connections": 0,
                "SSI_Increase": own["total"].diff().fillna(0.0),
                "Connection_Limit": 12,
                "Follow_Limit": 14,
                "Total_Followers": "",
            },
            columns=list(TRACKER_COLUMNS),
        )
        paths.append(
            _write(
                folder / "ssi" / file_words(str(person)) / "ssi_history.csv",
                log.to_csv(index=False, lineterminator="\n"),
            )
        )
    return paths


def _write(path: Path, content: str) -> Path:
    write_whole(path, content)
    return path


def _answer(row: dict) -> dict:
    """The answer of `salesApiSsi` (formats.md section 2.2)."""
    groups = [
        {"groupType": kind.upper(), "rank": int(row[f"{kind}_rank"]), "groupSize": 1_432, "score": {"overall": average}}
        for kind, average in AVERAGES.items()
    ]
    own = [{"score": float(row[ours]), "pillar": theirs} for ours, theirs in ANSWER_PILLARS.items()]
    member = {"overall": float(row["total"]), "subScores": own}
    return {"activeSeat": False, "memberScore": member, "groupScore": groups}


def _page(row: dict) -> str:
    ranks = "".join(
        f'<div class="ssi-rank"><dt class="ssi-rank__category-name">{kind.title()} SSI rank</dt>'
        f'<dd class="ssi-rank__category-score">Top <span>{int(row[f"{kind}_rank"])}</span>%</dd></div>'
        for kind in AVERAGES
    )
    bars = "".join(
        f'<progress id="{bar}__sub-score-bar" value="{float(row[pillar])!r}" max="25"></progress>'
        for pillar, bar in BARS.items()
    )
    others = "".join(
        f'<div class="group-ssi-score"><span class="ssi-score__value">{round(average)}</span> out of 100</div>'
        for average in AVERAGES.values()
    )
    hidden = html.escape(json.dumps(_answer(row), separators=(",", ":")))
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>SSI</title></head>\n<body>'
        f'<dl class="ssi-ranks">{ranks}</dl>\n<div class="user-ssi-score"><figcaption>'
        f'<span class="ssi-score__value">{round(row["total"])}</span> out of 100</figcaption>{bars}</div>\n{others}\n'
        f'<code style="display: none" id="bpr-guid-1000001">{hidden}</code>\n</body></html>\n'
    )
