"""A world's inquiries, meetings and deals as six CRMs would export them.

One function a system, each with that system's quirks: ids of 18 characters and
ISO-8859-1 in a Salesforce data export, German labels and trailer lines in a
Salesforce report, close dates of open deals that are forecasts, real date cells
and hidden columns in a workbook of Dynamics. Reading the files back gives the
events of the plain format, but for what no CRM tells: the source of a meeting
(it is that of its case) and what a deal was thought to be worth when it was
opened (a CRM keeps one amount a deal, the last one).

All bytes follow from the tables; names of customers are invented.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ssi_audit.world_exports_workbook import Sheet, write_workbook

CUSTOMERS = ("Kettle & Finch, Inc.", "Oakline", 'Brook "North" Ltd', "Müller Café", "Tarn; Vale & Sons", "Lindqvist")
SUBJECTS = ("Discovery call", "Demo", "Follow-up", "Visit, on site")
# Meetings of a person on one day, from the first one on; the clock times of what is entered at a desk.
FIRST_MEETING, MEETING_STEP = pd.Timedelta(hours=8), pd.Timedelta(minutes=15)
INQUIRED_AT, OPENED_AT, CLOSED_AT, EXPORTED_AT = (pd.Timedelta(minutes=m) for m in (425, 1_010, 965, 550))
# Where nothing else is known, an open deal is expected to close this long after it was opened.
EXPECTED_DAYS = 75
MEETING_MINUTES = 45
NO_ID = "000000000000000AAA"
GUID = "1b1d2c3e-0000-4000-8000-{:012d}"


@dataclass(frozen=True)
class Book:
    """What the sellers of one system entered into it.

    Attributes
    ----------
    cases : pandas.DataFrame
        One row a case, sorted by its inquiry: case (number), person, seller (number), customer, source, inquired,
        met, opened, ended (times, NaT where it did not happen), outcome (``won``, ``lost`` or ""), amount, currency.
    people : pandas.DataFrame
        Rows of `numbered` people who sell in it.
    exported : pandas.Timestamp
        When the files were made: after everything else.
    """

    cases: pd.DataFrame
    people: pd.DataFrame
    exported: pd.Timestamp

    def of(self, persons: pd.Series) -> Book:
        """The part of some persons."""
        mine = self.cases["person"].isin(persons)
        return Book(self.cases[mine], self.people[self.people["person"].isin(persons)], self.exported)

    def among(self, column: str) -> pd.DataFrame:
        """The cases that got so far."""
        return self.cases[self.cases[column].notna()]


def numbered(people: pd.DataFrame) -> pd.DataFrame:
    """People with their number (from 1) and what each CRM calls them (`schema.SYSTEM_IDS`)."""
    seller = np.arange(1, len(people) + 1)
    first_last = people["person"].str.partition(" ")
    return people.assign(
        seller=seller,
        salesforce_user_id=[salesforce_id("005", number) for number in seller],
        hubspot_owner=people["email"],
        pipedrive_user=people["email"].str.partition("@")[0],
        dynamics_owner=first_last[2] + ", " + first_last[0],
        zoho_owner_id=[_zoho_id(1, number) for number in seller],
    )


def book_of(tables: dict[str, pd.DataFrame]) -> Book:
    """All cases of a world.

    Parameters
    ----------
    tables : dict of str to pandas.DataFrame
        As `world_tables.world_tables` makes them: people, crm_events, and the tables that say when the data end.
    """
    people = numbered(tables["people"])
    events = tables["crm_events"]
    day = events.pivot(index="deal", columns="kind", values="date").reindex(
        columns=["inquiry", "meeting", "opportunity", "deal_won", "deal_lost"]
    )
    inquiries = events[events["kind"] == "inquiry"].set_index("deal")
    won = events[events["kind"] == "deal_won"].set_index("deal")
    cases = inquiries[["person", "source"]].sort_index().join(day).join(won[["amount", "currency"]])
    cases = cases.reset_index(drop=True)
    number = np.arange(1, len(cases) + 1)
    meeting = cases["meeting"] + FIRST_MEETING
    same_day = cases.groupby(["person", "meeting"], dropna=False).cumcount()
    cases = cases.assign(
        case=number,
        seller=cases["person"].map(people.set_index("person")["seller"]),
        customer=np.array(CUSTOMERS, dtype=object)[number % len(CUSTOMERS)],
        inquired=cases["inquiry"] + INQUIRED_AT,
        met=meeting + same_day * MEETING_STEP,
        opened=cases["opportunity"] + OPENED_AT,
        ended=cases["deal_won"].fillna(cases["deal_lost"]) + CLOSED_AT,
        outcome=np.select([cases["deal_won"].notna(), cases["deal_lost"].notna()], ["won", "lost"], ""),
    )
    last = max(frame["date"].max() for name, frame in tables.items() if name in ("ssi", "activity", "crm_events"))
    exported = pd.Timestamp(last) + pd.Timedelta(days=1) + EXPORTED_AT
    return Book(cases.drop(columns=list(day)), people, exported)


# --------------------------------------------------------------------------- cells


def stamp(times: pd.Series, pattern: str) -> pd.Series:
    """Times as text, "" where there is none."""
    return times.dt.strftime(pattern).fillna("")


def _forecast(book: Book, pattern: str) -> pd.Series:
    """The close date as a CRM shows it: of an open deal the day on which it is expected to close."""
    deals = book.among("opened")
    expected = (deals["opened"] + pd.Timedelta(days=EXPECTED_DAYS)).clip(lower=book.exported + pd.Timedelta(days=5))
    return stamp(deals["ended"].fillna(expected).dt.floor("D"), pattern)


def _amounts(deals: pd.DataFrame, pattern: str, unknown: str = "") -> list[str]:
    return [unknown if pd.isna(amount) else pattern.format(amount) for amount in deals["amount"]]


def _stages(deals: pd.DataFrame, won: str, lost: str, open_: str) -> np.ndarray:
    return np.select([deals["outcome"] == "won", deals["outcome"] == "lost"], [won, lost], open_)


def _last_touch(cases: pd.DataFrame) -> pd.Series:
    return cases[["inquired", "met", "opened", "ended"]].max(axis=1)


def _titles(cases: pd.DataFrame) -> pd.Series:
    return cases["customer"] + " " + cases["case"].astype("str")


def _subjects(cases: pd.DataFrame) -> np.ndarray:
    return np.array(SUBJECTS, dtype=object)[cases["case"] % len(SUBJECTS)]


def write_rows(
    path: Path, columns: dict[str, object], *, quoted: bool = False, separator: str = ",", encoding: str = "utf-8",
    trailer: str = "",
) -> Path:  # fmt: skip
    """Write a table of text cells: LF, and characters that an encoding lacks as ``?``, as the systems do.

    Parameters
    ----------
    columns : dict of str to array-like
        Header → cells; a single value stands in every row.
    quoted : bool
        Every cell in quotation marks, not only those that need them.
    trailer : str
        Lines behind the last row.
    """
    frame = pd.DataFrame(columns)
    quoting = csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL
    text = frame.to_csv(index=False, sep=separator, lineterminator="\n", quoting=quoting)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((text + trailer).encode(encoding, "replace"))
    return path


# --------------------------------------------------------------------------- Salesforce, data export


def salesforce_id(prefix: str, number: int) -> str:
    """An id of 18 characters: the last three say which of the other letters are capitals."""
    short = f"{prefix}5g{number:010d}"
    marks = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    chunks = (short[at : at + 5] for at in (0, 5, 10))
    return short + "".join(marks[sum(char.isupper() << place for place, char in enumerate(chunk))] for chunk in chunks)


def _ids(prefix: str, numbers: pd.Series) -> list[str]:
    return [salesforce_id(prefix, number) for number in numbers]


def write_salesforce_objects(book: Book, folder: Path) -> list[Path]:
    """Write the objects User, Lead, Opportunity and Event of a data export.

    Every field quoted, ISO-8859-1 (letters it lacks are lost as ``?``; the ids name the people all the same), flags
    0/1, a time behind every day, and an empty reference of zeros.
    """
    out = folder / "salesforce" / "data_export"
    iso = "%Y-%m-%d %H:%M:%S"
    # The whole export was made at once, and somebody changed a record on that day.
    cases, deals, met = book.cases, book.among("opened"), book.among("met")
    first_last = book.people["person"].str.partition(" ")
    is_deal, owner = cases["opened"].notna(), "OwnerId"
    deal_id = pd.Series(_ids("006", cases["case"]), index=cases.index)
    lead_id = pd.Series(_ids("00Q", cases["case"]), index=cases.index)
    users = {
        "Id": book.people["salesforce_user_id"], "Username": book.people["email"], "FirstName": first_last[0],
        "LastName": first_last[2], "Email": book.people["email"], "IsActive": "1", "UserType": "Standard",
    }  # fmt: skip
    leads = {
        "Id": lead_id, "IsDeleted": "0", "LastName": "Buyer " + cases["case"].astype("str"),
        "Company": cases["customer"], "LeadSource": cases["source"],
        "Status": np.where(is_deal, "Qualified", "Open - Not Contacted"), owner: _ids("005", cases["seller"]),
        "IsConverted": is_deal.astype(int), "ConvertedDate": stamp(cases["opened"].dt.floor("D"), iso),
        "ConvertedOpportunityId": deal_id.where(is_deal, NO_ID), "CreatedDate": stamp(cases["inquired"], iso),
        "LastModifiedDate": stamp(_last_touch(cases), iso),
    }  # fmt: skip
    opportunities = {
        "Id": deal_id[deals.index], "IsDeleted": "0", "AccountId": _ids("001", deals["case"] % len(CUSTOMERS)),
        "Name": _titles(deals), "StageName": _stages(deals, "Closed Won", "Closed Lost", "Negotiation/Review"),
        "Amount": _amounts(deals, "{:.0f}"), "Probability": _stages(deals, "100", "0", "60"),
        "CloseDate": _forecast(book, iso), "LeadSource": deals["source"],
        "IsClosed": (deals["outcome"] != "").astype(int), "IsWon": (deals["outcome"] == "won").astype(int),
        "CurrencyIsoCode": deals["currency"].fillna("EUR"), "CampaignId": NO_ID, owner: _ids("005", deals["seller"]),
        "CreatedDate": stamp(deals["opened"], iso), "LastModifiedDate": stamp(_last_touch(deals), iso),
    }  # fmt: skip
    events = {
        "Id": _ids("00U", met["case"]), "WhoId": lead_id[met.index].where(met["opened"].isna(), NO_ID),
        "WhatId": deal_id[met.index].where(met["opened"].notna(), NO_ID), "Subject": _subjects(met),
        "IsAllDayEvent": "0", "ActivityDateTime": stamp(met["met"], iso),
        "ActivityDate": stamp(met["met"].dt.floor("D"), iso), "DurationInMinutes": MEETING_MINUTES,
        owner: _ids("005", met["seller"]), "Type": "Meeting", "IsDeleted": "0", "IsChild": "0", "ShowAs": "Busy",
        "CreatedDate": stamp(met["inquired"], iso), "LastModifiedDate": stamp(met["met"], iso),
    }  # fmt: skip
    objects = {"User": users, "Lead": leads, "Opportunity": opportunities, "Event": events}
    return [
        write_rows(out / f"{name}.csv", columns, quoted=True, encoding="latin-1") for name, columns in objects.items()
    ]


# --------------------------------------------------------------------------- Salesforce, reports


def write_salesforce_reports(book: Book, folder: Path) -> list[Path]:
    """Write three reports in German, *Details Only*: leads, opportunities and activities, with trailer lines.

    Ids of 15 characters, days as ``27.02.2026``, a column of currencies before the amount.
    """
    day = "%d.%m.%Y"
    cases, deals, met = book.cases, book.among("opened"), book.among("met")
    short = {
        prefix: pd.Series([long[:15] for long in _ids(prefix, cases["case"])], index=cases.index)
        for prefix in ("006", "00Q", "00U")
    }
    deal_id = short["006"].where(cases["opened"].notna(), "")
    leads = {
        "Lead-Inhaber": cases["person"], "Nachname": "Buyer " + cases["case"].astype("str"),
        "Firma/Account": cases["customer"], "Lead-Quelle": cases["source"], "Lead-Status": "Offen",
        "Erstelldatum": stamp(cases["inquired"], day), "Lead-ID": short["00Q"], "Opportunity-ID": deal_id,
    }  # fmt: skip
    opportunities = {
        "Opportunity-Inhaber": deals["person"], "Accountname": deals["customer"], "Opportunity-Name": _titles(deals),
        "Phase": _stages(deals, "Closed Won", "Closed Lost", "Negotiation"),
        "Betrag Währung": deals["currency"].fillna("EUR"), "Betrag": _amounts(deals, "{:.2f}"),
        "Wahrscheinlichkeit (%)": _stages(deals, "100", "0", "60"), "Schlusstermin": _forecast(book, day),
        "Erstelldatum": stamp(deals["opened"], day), "Lead-Quelle": deals["source"],
        "Opportunity-ID": short["006"][deals.index],
    }  # fmt: skip
    activities = {
        "Zugewiesen": met["person"], "Betreff": _subjects(met), "Datum": stamp(met["met"], day),
        "Aktivitätstyp": "Meeting", "Firma/Account": met["customer"], "Aktivitäts-ID": short["00U"][met.index],
        "Opportunity-ID": deal_id[met.index], "Lead-ID": short["00Q"][met.index],
    }  # fmt: skip
    paths = []
    tables = {"Leads": leads, "Opportunities": opportunities, "Termine": activities}
    for place, (title, columns) in enumerate(tables.items()):
        milliseconds = int(book.exported.timestamp()) * 1000 + 61_123 * place
        trailer = (
            f'"{title} nach Inhaber"\n"Copyright (c) 2000-{book.exported.year} salesforce.com, inc. '
            'Alle Rechte vorbehalten."\n"Vertrauliche Informationen - nicht weitergeben"\n'
        )
        path = folder / "salesforce" / f"report{milliseconds}.csv"
        paths.append(write_rows(path, columns, quoted=True, trailer=trailer))
    return paths


# --------------------------------------------------------------------------- HubSpot


def write_hubspot(book: Book, folder: Path) -> list[Path]:
    """Write contacts, deals and meetings, tied together by the ids of contacts and deals; owners by address."""
    minute, out = "%Y-%m-%d %H:%M", folder / "hubspot"
    cases, deals, met = book.cases, book.among("opened"), book.among("met")
    owner = book.people.set_index("person")["hubspot_owner"]
    contact = (500_000 + cases["case"]).astype("str")
    deal = (9_100_000_000 + cases["case"]).astype("str")
    contacts = {
        "Record ID": contact, "First Name": "Buyer", "Last Name": cases["case"],
        "Contact owner": cases["person"].map(owner),
        "Lifecycle Stage": np.where(cases["outcome"] == "won", "Customer", "Lead"), "Lead Source": cases["source"],
        "Create Date": stamp(cases["inquired"], minute), "Became a Lead Date": stamp(cases["inquired"], minute),
        "Associated Deal IDs": deal.where(cases["opened"].notna(), ""),
    }  # fmt: skip
    deal_rows = {
        "Record ID": deal[deals.index], "Deal Name": _titles(deals),
        "Deal Stage": _stages(deals, "Closed Won", "Closed Lost", "Appointment Scheduled"),
        "Pipeline": "Sales Pipeline", "Close Date": _hubspot_close(book, minute),
        "Create Date": stamp(deals["opened"], minute), "Deal owner": deals["person"].map(owner),
        "Amount": _amounts(deals, "{:.2f}"), "Currency": deals["currency"].fillna("EUR"),
        "Lead Source": deals["source"], "Is Closed Won": np.where(deals["outcome"] == "won", "true", "false"),
        "Associated Company": deals["customer"], "Associated Contact IDs": contact[deals.index],
    }  # fmt: skip
    meetings = {
        "Record ID": (70_000 + met["case"]).astype("str"), "Meeting name": _subjects(met),
        "Meeting start time": stamp(met["met"], minute), "Meeting outcome": "Completed",
        "Activity assigned to": met["person"].map(owner), "Create Date": stamp(met["inquired"], minute),
        "Associated Contact IDs": contact[met.index],
    }  # fmt: skip
    day = f"{book.exported:%Y-%m-%d}"
    files = {"all-contacts": contacts, "all-deals": deal_rows, "all-meetings": meetings}
    return [
        write_rows(out / f"hubspot-crm-exports-{name}-{day}.csv", columns, quoted=True)
        for name, columns in files.items()
    ]


def _hubspot_close(book: Book, pattern: str) -> pd.Series:
    """Close dates with the minute of closing; of open deals the forecast."""
    deals = book.among("opened")
    closed = stamp(deals["ended"], pattern)
    return closed.where(closed != "", _forecast(book, pattern))


# --------------------------------------------------------------------------- Pipedrive


def write_pipedrive(book: Book, folder: Path) -> list[Path]:
    """Write leads, deals and activities; users by their short names, the value of an unpriced deal as 0."""
    iso, out = "%Y-%m-%d %H:%M:%S", folder / "pipedrive"
    cases, deals, met = book.cases, book.among("opened"), book.among("met")
    user = book.people.set_index("person")["pipedrive_user"]
    deal = cases["case"].astype("str").where(cases["opened"].notna(), "")
    lead = pd.Series([GUID.format(number) for number in cases["case"]], index=cases.index)
    leads = {
        "Lead - ID": lead, "Lead - Title": _titles(cases), "Lead - Owner": cases["person"].map(user),
        "Lead - Source": cases["source"], "Lead - Lead created": stamp(cases["inquired"], iso),
        "Lead - Organization": cases["customer"], "Lead - Deal ID": deal,
    }  # fmt: skip
    deal_rows = {
        "Deal - ID": deal[deals.index], "Deal - Title": _titles(deals), "Deal - Owner": deals["person"].map(user),
        "Deal - Value": _amounts(deals, "{:.0f}", unknown="0"),
        "Deal - Currency of Value": deals["currency"].fillna("EUR"), "Deal - Organization": deals["customer"],
        "Deal - Pipeline": "Sales", "Deal - Stage": "Negotiations Started",
        "Deal - Status": _stages(deals, "Won", "Lost", "Open"), "Deal - Deal created": stamp(deals["opened"], iso),
        "Deal - Won time": stamp(deals["ended"].where(deals["outcome"] == "won"), iso),
        "Deal - Lost time": stamp(deals["ended"].where(deals["outcome"] == "lost"), iso),
        "Deal - Deal closed on": stamp(deals["ended"], iso), "Deal - Expected close date": _forecast(book, "%Y-%m-%d"),
        "Deal - Source channel": deals["source"],
    }  # fmt: skip
    activities = {
        "Activity - ID": met["case"], "Activity - Subject": _subjects(met), "Activity - Type": "Meeting",
        "Activity - Due date": stamp(met["met"], "%Y-%m-%d"), "Activity - Due time": stamp(met["met"], "%H:%M"),
        "Activity - Assigned to user": met["person"].map(user), "Activity - Done": "Done",
        "Activity - Organization": met["customer"], "Deal - ID": deal[met.index], "Lead - ID": lead[met.index],
    }  # fmt: skip
    files = {"leads-4471123-17": leads, "deals-4471123-18": deal_rows, "activities-4471123-19": activities}
    return [write_rows(out / f"{name}.csv", columns) for name, columns in files.items()]


# --------------------------------------------------------------------------- Dynamics


def write_dynamics(book: Book, folder: Path) -> list[Path]:
    """Write a view of opportunities as a workbook, and a list of inquiries and meetings beside it.

    An export of Dynamics names the lead of an opportunity and what an appointment was about, but gives no id of
    either, so an organisation that wants to know keeps a list: here in the plain format, with the opportunity's id.
    """
    deals = book.among("opened")
    owner = book.people.set_index("person")["dynamics_owner"]
    header = (
        "(Do Not Modify) Opportunity", "(Do Not Modify) Row Checksum", "(Do Not Modify) Modified On", "Topic",
        "Potential Customer", "Status", "Status Reason", "Est. Close Date", "Actual Close Date", "Est. Revenue",
        "Actual Revenue", "Owner", "Created On", "Currency", "Lead Source",
    )  # fmt: skip
    rows: list[tuple] = [header]
    for deal in deals.to_dict("records"):
        ended = None if pd.isna(deal["ended"]) else deal["ended"]
        status = {"won": ("Won", "Won"), "lost": ("Lost", "Out-Sold"), "": ("Open", "In Progress")}[deal["outcome"]]
        expected = (ended or book.exported + pd.Timedelta(days=5)).floor("D")
        amount = None if pd.isna(deal["amount"]) else float(deal["amount"])
        rows.append((
            GUID.format(deal["case"]), "aaaa+bbbb/cccc==", ended or deal["opened"],
            f"{deal['customer']} {deal['case']}", deal["customer"], *status, expected,
            ended.floor("D") if ended else None, None, amount, owner[deal["person"]], deal["opened"], "EUR",
            deal["source"],
        ))  # fmt: skip
    stem = f"All Opportunities {book.exported.month}-{book.exported.day}-{book.exported.year} 9-10-05 AM"
    sheets = [
        Sheet("All Opportunities", rows, hidden_columns=3),
        Sheet("hiddenSheet", [("opportunity:checksum:example",)], hidden=True),
    ]
    return [
        write_workbook(folder / "dynamics" / f"{stem}.xlsx", sheets),
        _inquiries_and_meetings(book, folder / "dynamics" / "inquiries_and_meetings.csv"),
    ]


def _inquiries_and_meetings(book: Book, path: Path) -> Path:
    guid = book.cases["case"].map(GUID.format)
    told = book.cases.assign(
        deal=guid.where(book.cases["opened"].notna(), "inquiry " + book.cases["case"].astype("str"))
    )
    met = told[told["met"].notna()]
    events = pd.concat(
        [told.assign(kind="inquiry", date=told["inquired"]), met.assign(kind="meeting", date=met["met"])]
    )
    columns = {
        "person": events["person"], "date": stamp(events["date"], "%Y-%m-%d"), "kind": events["kind"],
        "source": events["source"], "deal": events["deal"],
    }  # fmt: skip
    return write_rows(path, columns)


# --------------------------------------------------------------------------- Zoho


def _zoho_id(kind: int, number: int) -> str:
    return f"zcrm_512000000{kind}{number:08d}"


def write_zoho(book: Book, folder: Path) -> list[Path]:
    """Write leads, deals and meetings; owners by id and name."""
    iso, out = "%Y-%m-%d %H:%M:%S", folder / "zoho"
    cases, deals, met = book.cases, book.among("opened"), book.among("met")
    owner = book.people.set_index("person")["zoho_owner_id"]
    lead, deal, event = (
        pd.Series([_zoho_id(kind, number) for number in cases["case"]], index=cases.index) for kind in (2, 3, 4)
    )
    deal = deal.where(cases["opened"].notna(), "")
    leads = {
        "Record Id": lead, "Lead Owner.id": cases["person"].map(owner), "Lead Owner": cases["person"],
        "Company": cases["customer"], "Last Name": "Buyer " + cases["case"].astype("str"),
        "Lead Source": cases["source"], "Created Time": stamp(cases["inquired"], iso),
        "Modified Time": stamp(_last_touch(cases), iso), "Converted Deal.id": deal,
    }  # fmt: skip
    deal_rows = {
        "Record Id": deal[deals.index], "Deal Owner.id": deals["person"].map(owner), "Deal Owner": deals["person"],
        "Amount": _amounts(deals, "{:.0f}"), "Currency": deals["currency"].fillna("EUR"), "Deal Name": _titles(deals),
        "Closing Date": _forecast(book, "%Y-%m-%d"), "Account Name": deals["customer"],
        "Stage": _stages(deals, "Closed Won", "Closed Lost", "Negotiation/Review"), "Lead Source": deals["source"],
        "Created Time": stamp(deals["opened"], iso), "Modified Time": stamp(_last_touch(deals), iso),
    }  # fmt: skip
    meetings = {
        "Record Id": event[met.index], "Host.id": met["person"].map(owner), "Host": met["person"],
        "Title": _subjects(met), "From": stamp(met["met"], iso),
        "To": stamp(met["met"] + pd.Timedelta(minutes=MEETING_MINUTES), iso), "What Id.id": deal[met.index],
        "Who Id.id": lead[met.index], "Created Time": stamp(met["inquired"], iso),
        "Modified Time": stamp(met["met"], iso),
    }  # fmt: skip
    day = f"{book.exported:%Y_%m_%d}"
    files = {"Leads": leads, "Deals": deal_rows, "Meetings": meetings}
    return [write_rows(out / f"{name}_{day}.csv", columns) for name, columns in files.items()]


SYSTEMS = {
    "salesforce": write_salesforce_objects,
    "hubspot": write_hubspot,
    "pipedrive": write_pipedrive,
    "salesforce_reports": write_salesforce_reports,
    "zoho": write_zoho,
    "dynamics": write_dynamics,
}
