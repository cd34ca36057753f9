"""Tables and files of a world say what the world says, and nothing that nobody could know yet."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ssi_audit import schema
from ssi_audit.errors import DataError, SettingsError
from ssi_audit.panel import build_panel
from ssi_audit.world_names import invented_name
from ssi_audit.world_tables import METRICS, world_tables, write_folder, write_world
from ssi_audit.worlds import ACTIVITY, BURN_IN, make_world

WEEKS = 65
FIRST = pd.Timestamp("2024-01-01")
LAST = FIRST + pd.Timedelta(days=7 * WEEKS - 1)


@pytest.fixture(scope="module")
def world():
    """Simulate a world with licences, so that every column is in use."""
    return make_world("licence_only", 30, WEEKS, seed=11)


@pytest.fixture(scope="module")
def tables(world):
    """Make its tables."""
    return world_tables(world)


@pytest.fixture(scope="module")
def crm(tables):
    """CRM events with the number of their week."""
    events = tables["crm_events"]
    return events.assign(week=week_of(events["date"]))


def week_of(date: pd.Series) -> pd.Series:
    """Number of the week, from 1."""
    return (date - FIRST).dt.days // 7 + 1


def counted(rows: pd.DataFrame, world, values: str | None = None) -> np.ndarray:
    """Rows (or the sum of a column) per person and week 1..T, persons in the order of the world."""
    order = [invented_name(i).full for i in range(world.people)]
    per_week = rows.groupby(["person", "week"])[values].sum() if values else rows.groupby(["person", "week"]).size()
    return per_week.unstack(fill_value=0).reindex(index=order, columns=range(1, WEEKS + 1), fill_value=0).to_numpy()


def test_columns_are_those_of_the_plain_format(tables):
    """Every table has exactly the columns of the schema."""
    assert tuple(tables["ssi"]) == schema.SSI_COLUMNS
    assert tuple(tables["activity"]) == schema.ACTIVITY_COLUMNS
    assert tuple(tables["crm_events"]) == schema.CRM_COLUMNS
    assert tuple(tables["people"]) == schema.PEOPLE_COLUMNS
    assert tuple(tables["quotas"]) == schema.QUOTA_COLUMNS


def test_readings_stand_on_the_sunday_that_ends_each_week(world, tables):
    """One reading per person for each of the weeks 0..T, the score of that week."""
    ssi = tables["ssi"]
    assert len(ssi) == 30 * (WEEKS + 1)
    assert (ssi["date"].dt.day_of_week == 6).all()
    assert ssi["date"].min() == FIRST - pd.Timedelta(days=1)
    assert ssi["date"].max() == LAST
    assert (ssi["total"].to_numpy() == world.score[:, BURN_IN - 1 :].ravel()).all()
    pillars = world.pillars[:, BURN_IN - 1 :].reshape(-1, 4)
    assert np.abs(ssi[list(schema.PILLARS)].to_numpy() - pillars).max() <= 0.005 + 1e-9
    assert (ssi[list(schema.PILLARS)].sum(axis=1) - ssi["total"]).abs().max() < 0.53


def test_ranks_are_percentages_that_fall_with_the_score(tables):
    """A higher score has a smaller "top N %"."""
    ssi = tables["ssi"]
    for rank in ("industry_rank", "network_rank"):
        assert ssi[rank].between(1, 99).all()
        assert ssi[rank].corr(ssi["total"], method="spearman") < -0.9


def test_activity_sums_to_the_counts_of_each_week(world, tables):
    """Daily rows of weeks -12..T add up to the simulated counts of each metric."""
    activity = tables["activity"].assign(week=week_of(tables["activity"]["date"]))
    assert set(activity["metric"]) == set(METRICS)
    for k, metric in enumerate(METRICS):
        rows = activity[activity["metric"] == metric]
        assert (counted(rows, world, "count") == world.activity[:, world.analysis, k]).all()
        before = rows[rows["week"] <= 0]["count"].sum()
        assert before == world.activity[:, BURN_IN - 13 : BURN_IN, k].sum()


def test_metrics_belong_to_the_types_of_activity():
    """The logged metric of each type is one that the schema counts for it."""
    assert all(metric in schema.ACTIVITY_TYPES[kind] for kind, metric in zip(ACTIVITY, METRICS, strict=True))


def test_the_log_covers_the_90_days_before_week_1(tables):
    """Everybody's log begins on the Monday of week -12, with every metric, and has no weekend."""
    activity = tables["activity"]
    begin = FIRST - pd.Timedelta(days=91)
    assert activity["date"].min() == begin
    first_day = activity[activity["date"] == begin]
    assert len(first_day) == 30 * len(METRICS)
    assert (activity["date"].dt.day_of_week < 5).all()


def test_weeks_without_action_are_logged_as_zero(world, tables):
    """A week off duty has a row of zero for each metric: known, not missing."""
    person, week = (index[0] for index in np.nonzero(~world.on_duty[:, world.analysis]))
    activity = tables["activity"]
    rows = activity[(activity["person"] == invented_name(person).full) & (week_of(activity["date"]) == week + 1)]
    assert sorted(rows["metric"]) == sorted(METRICS)
    assert (rows["count"] == 0).all()


def test_events_count_what_happened(world, crm):
    """Inquiries by source, meetings and closed deals equal the simulated counts week by week."""
    now = world.analysis
    kind, linkedin = crm["kind"], crm["source"] == "LinkedIn"
    assert (counted(crm[(kind == "inquiry") & linkedin], world) == world.inquiries[:, now]).all()
    assert (counted(crm[(kind == "inquiry") & ~linkedin], world) == world.other_inquiries[:, now]).all()
    assert (counted(crm[kind == "meeting"], world) == world.meetings[:, now]).all()
    closed = counted(crm[kind == "deal_won"], world)
    assert (closed[:, :4] == 0).all()
    assert (closed[:, 4:] == world.deals[:, now][:, :-4]).all()


def test_nothing_is_dated_outside_the_weeks(crm):
    """No event lies before week 1 or after week T."""
    assert crm["date"].between(FIRST, LAST).all()
    assert crm["started"].dropna().between(FIRST, LAST).all()


def test_each_case_goes_from_inquiry_to_meeting_to_closing(crm):
    """One inquiry per id; its meeting on or after it in the same week; a win 28 days later, by the same person."""
    inquiry = crm[crm["kind"] == "inquiry"].set_index("deal")
    assert inquiry.index.is_unique
    for kind in ("meeting", "opportunity", "deal_won", "deal_lost"):
        rows = crm[crm["kind"] == kind].set_index("deal")
        assert len(rows) > 50
        assert rows.index.is_unique
        own = inquiry.loc[rows.index]
        assert (own["person"] == rows["person"]).all()
        assert (own["source"] == "LinkedIn").all()
        assert (rows["source"] == "LinkedIn").all()
    meeting = crm[crm["kind"] == "meeting"].set_index("deal")
    assert (meeting["started"] == inquiry["date"].loc[meeting.index]).all()
    assert (meeting["date"] >= meeting["started"]).all()
    assert (meeting["week"] == inquiry["week"].loc[meeting.index]).all()
    won = crm[crm["kind"] == "deal_won"].set_index("deal")
    assert (won["started"] == meeting["date"].loc[won.index]).all()
    assert (won["date"] - won["started"] == pd.Timedelta(days=28)).all()


def test_lost_deals_take_two_to_eight_weeks(crm):
    """An opportunity that was not won is lost within its span, never both."""
    meeting = crm[crm["kind"] == "meeting"].set_index("deal")
    lost, won = (crm[crm["kind"] == kind].set_index("deal") for kind in ("deal_lost", "deal_won"))
    weeks = lost["week"] - meeting["week"].loc[lost.index]
    assert set(weeks) == set(range(2, 9))
    assert lost.index.intersection(won.index).empty


def test_opportunities_are_all_wins_and_two_fifths_of_the_rest(world, crm):
    """Every meeting that is won opens an opportunity on its day, and 40 % of the others do."""
    meeting, opened = (crm[crm["kind"] == kind].set_index("deal") for kind in ("meeting", "opportunity"))
    assert (opened["date"] == meeting["date"].loc[opened.index]).all()
    won = crm[crm["kind"] == "deal_won"]["deal"]
    assert won.isin(opened.index).all()
    n_won = world.deals[:, world.analysis].sum()
    assert (len(opened) - n_won) / (len(meeting) - n_won) == pytest.approx(0.40, abs=0.03)


def test_amounts_belong_to_won_deals(crm):
    """Won deals have an amount in EUR around 12,000; nothing else has one."""
    won = crm["kind"] == "deal_won"
    assert crm.loc[won, "amount"].mean() == pytest.approx(12_000, rel=0.06)
    assert (crm.loc[won, "amount"] > 0).all()
    assert set(crm.loc[won, "currency"]) == {"EUR"}
    assert crm.loc[~won, ["amount", "currency"]].isna().all(axis=None)


def test_the_panel_of_the_tables_is_the_world():
    """Exposure, activity windows, counts and cohorts come back through the panel, digit by digit."""
    world = make_world("spammers", 12, 40, seed=12)
    tables = world_tables(world)
    nobody = pd.DataFrame({column: pd.Series(dtype="datetime64[s]") for column in schema.ABSENCE_COLUMNS})
    panel = build_panel(
        schema.Tables(
            ssi=tables["ssi"],
            activity=tables["activity"],
            crm_events=tables["crm_events"],
            people=tables["people"].assign(left_on=pd.NaT),
            quotas=tables["quotas"],
            absences=nobody.astype({"person": "str"}),
            ledger=pd.DataFrame(),
        )
    )
    order = [invented_name(i).full for i in range(world.people)]

    def wide(column: str) -> np.ndarray:
        return panel.pivot(index="person", columns="period", values=column).loc[order].to_numpy()

    now = world.analysis
    assert (wide("ssi") == 10 * world.exposure[:, now] + 50).all()
    assert (wide("inquiries") == world.inquiries[:, now]).all()
    assert (wide("inquiries_other") == world.other_inquiries[:, now]).all()
    assert (wide("meetings") == world.meetings[:, now]).all()
    assert (wide("deals")[:, 4:] == world.deals[:, now][:, :-4]).all()
    assert (wide("win_rate_num")[:, :-13] == world.deals[:, now][:, :-13]).all()
    assert (wide("win_rate_den")[:, :-13] == world.meetings[:, now][:, :-13]).all()
    assert (wide("meeting_rate_num")[:, :-4] == world.meetings[:, now][:, :-4]).all()
    assert (wide("meeting_rate_den")[:, :-4] == world.inquiries[:, now][:, :-4]).all()
    assert (wide("tenure_weeks") == world.sellers.tenure[:, now]).all()
    for k, kind in enumerate(ACTIVITY):
        assert (wide(f"A_{kind}") == world.activity_window[:, now, k]).all()


def test_licences_start_on_the_monday_of_their_week(world, tables):
    """people.csv tells the start of a licence where there is one, and only there."""
    people = tables["people"]
    week = world.sellers.licence_week
    assert (people["licence_start"].notna().to_numpy() == np.isfinite(week)).all()
    assert (week_of(people["licence_start"]).dropna() == week[np.isfinite(week)]).all()
    assert (people["licence_start"].dropna().dt.day_of_week == 0).all()
    assert world_tables(make_world("null", 5, 5, seed=1))["people"]["licence_start"].isna().all()


def test_everybody_was_hired_before_the_log_begins(tables):
    """Nobody's activity is older than his employment."""
    assert (tables["people"]["hired_on"] < FIRST - pd.Timedelta(days=91)).all()


def test_some_beginners_are_new_and_some_are_not():
    """In `beginners` 60 % start with less than a year of tenure."""
    hired = world_tables(make_world("beginners", 50, 30, seed=1))["people"]["hired_on"]
    assert (hired > FIRST - pd.Timedelta(weeks=52)).mean() == 0.6


def test_teams_are_of_about_twelve_and_territories_even():
    """150 sellers make twelve teams and four territories of nearly the same size."""
    people = world_tables(make_world("null", 150, 2, seed=1))["people"]
    assert people["team"].value_counts().between(12, 13).all()
    assert people["territory"].value_counts().between(37, 38).all()


def test_territory_stands_for_the_market():
    """In `confounded` sellers of the best territory get more inquiries, so that it can be adjusted for."""
    world = make_world("confounded", 400, 52, seed=2)
    territory = world_tables(world)["people"]["territory"]
    mean = pd.Series(world.sellers.market).groupby(territory.to_numpy()).mean().sort_index()
    assert (mean.diff().dropna() > 0.5).all()


def test_half_of_the_quotas_are_met_and_the_score_has_no_part_in_it():
    """In `null` attainment varies around 1 and goes neither with the score nor with the seller's level."""
    world = make_world("null", 300, 104, seed=13)
    tables = world_tables(world)
    quotas = tables["quotas"]
    assert len(quotas) == 300 * 8
    won = tables["crm_events"].query("kind == 'deal_won'")
    quarter = (won["date"] - FIRST).dt.days // 91
    revenue = won.groupby([won["person"], quarter])["amount"].sum().unstack(fill_value=0)
    order = [invented_name(i).full for i in range(world.people)]
    quota = quotas["quota"].to_numpy().reshape(300, 8)
    attainment = revenue.reindex(index=order, columns=range(8), fill_value=0).to_numpy() / quota
    hit = (attainment >= 1).mean(axis=1)
    assert hit.mean() == pytest.approx(0.5, abs=0.05)
    assert np.abs(np.corrcoef(hit, world.score[:, world.analysis].mean(axis=1))[0, 1]) < 0.12
    assert np.abs(np.corrcoef(hit, world.sellers.level)[0, 1]) < 0.12
    assert (quotas["period_end"] - quotas["period_start"] == pd.Timedelta(days=90)).all()


def test_names_stay_unique_in_a_large_organisation():
    """3,000 invented persons have 3,000 names and addresses, the latter in ASCII."""
    names = [invented_name(i) for i in range(3000)]
    assert len({name.full for name in names}) == 3000
    assert len({name.email for name in names}) == 3000
    assert all(name.email.isascii() and name.email.endswith(".example") for name in names)
    assert invented_name(2420 * 27).full.split()[1:3] == ["A.", "A."]


def test_names_carry_the_letters_of_their_countries():
    """Folding ł, ó, ä and accents is put to the test by the data themselves."""
    letters = "".join(invented_name(i).full for i in range(60))
    assert set("łóężäò'") <= set(letters)


def test_same_world_same_bytes(tmp_path):
    """Writing a world twice gives the same files, another seed gives others."""
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_world(make_world("reverse", 6, 20, seed), tmp_path / folder)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["activity.csv", "crm_events.csv", "people.csv", "quotas.csv", "ssi.csv", "truth.json"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        if name not in ("people.csv",):
            assert (tmp_path / "a" / name).read_bytes() != (tmp_path / "c" / name).read_bytes()


def test_files_say_what_the_tables_say(tmp_path, world, tables):
    """Values survive the way through the files; lines end in LF; whole numbers have no decimals."""
    paths = write_world(world, tmp_path / "out")
    assert [path.name for path in paths][-1] == "truth.json"
    for name, table in tables.items():
        path = tmp_path / "out" / f"{name}.csv"
        assert b"\r" not in path.read_bytes()
        back = pd.read_csv(path, keep_default_na=False, na_values={"amount": [""]})
        assert len(back) == len(table)
        for column in ("total", "count", "amount", "quota"):
            if column in table:
                assert (back[column].fillna(-1) == table[column].fillna(-1)).all()
        for column in ("date", "started", "hired_on", "period_end"):
            if column in table:
                assert (back[column] == table[column].dt.strftime("%Y-%m-%d").fillna("")).all()
    first_row = (tmp_path / "out" / "ssi.csv").read_text(encoding="utf-8").splitlines()[1]
    assert pd.Series(first_row.split(",")[2:6]).str.fullmatch(r"\d{1,2}\.\d\d").all()
    assert all(cell.isdigit() for cell in first_row.split(",")[6:])
    assert json.loads((tmp_path / "out" / "truth.json").read_text(encoding="utf-8"))["people"] == 30


def test_a_folder_with_other_files_is_refused(tmp_path):
    """A sample is never mixed with somebody's own files."""
    (tmp_path / "deals.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"deals\.csv, which no earlier sample wrote"):
        write_world(make_world("null", 2, 4, seed=1), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["deals.csv"]


def test_a_file_with_the_name_of_a_sample_is_not_proof_of_one(tmp_path):
    """ssi.csv alone may be the user's own; only the truth beside it makes a sample."""
    (tmp_path / "ssi.csv").write_text("mine", encoding="utf-8")
    (tmp_path / "truth.json").write_text("[1, 2]", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds ssi\.csv, truth\.json"):
        write_world(make_world("null", 2, 4, seed=1), tmp_path)
    assert (tmp_path / "ssi.csv").read_text(encoding="utf-8") == "mine"


def test_a_target_that_is_a_file_is_refused(tmp_path):
    """--out names a folder."""
    (tmp_path / "out").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match="is a file, not a folder"):
        write_world(make_world("null", 2, 4, seed=1), tmp_path / "out")


def test_an_earlier_sample_is_replaced_whole(tmp_path):
    """Only the new sample is left, .gitkeep stays, and nothing lies beside the folder."""
    out = tmp_path / "deep" / "out"
    out.mkdir(parents=True)
    (out / ".gitkeep").touch()
    write_world(make_world("null", 3, 4, seed=1), out)
    (out / "quotas.csv").unlink()
    write_world(make_world("null", 3, 14, seed=2), out)
    assert len(list(out.iterdir())) == 7
    assert (out / ".gitkeep").exists()
    assert json.loads((out / "truth.json").read_text(encoding="utf-8"))["weeks"] == 14
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_failed_write_leaves_the_earlier_sample_alone(tmp_path):
    """Nothing is half written: the old folder stays as it was and no temporary one is left."""
    out = tmp_path / "out"
    write_world(make_world("null", 3, 4, seed=1), out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def fail(folder):
        (folder / "ssi.csv").write_text("half", encoding="utf-8")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_folder(out, fail, {})
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_an_unknown_format_is_refused(tmp_path):
    """The error names the formats that exist."""
    with pytest.raises(SettingsError, match="no format 'parquet'; formats: plain"):
        write_world(make_world("null", 2, 4, seed=1), tmp_path / "out", as_="parquet")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("people", "weeks"), [(1, 1), (2, 3), (3, 14)])
def test_the_smallest_worlds_have_tables(people, weeks):
    """No size is too small for tables; quotas exist for whole quarters only."""
    tables = world_tables(make_world("spammers", people, weeks, seed=3))
    assert len(tables["ssi"]) == people * (weeks + 1)
    assert len(tables["quotas"]) == people * (weeks // 13)
