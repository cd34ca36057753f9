"""The objects of a Salesforce data export (one CSV each, API names), read together.

Owners are ids: the object User names them. Deleted rows are in the files, flags
are 0/1, every date has a time (UTC; a close date only a pretended one), and an
empty reference is ``000000000000000AAA``. A lead and the opportunity it became
are one case, to which events are tied by the record they are about.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from ssi_audit.exports import crm, stages, text
from ssi_audit.exports.files import File, Folder
from ssi_audit.exports.ledger import Ledger
from ssi_audit.exports.money import currencies
from ssi_audit.exports.table import Context, Rows, Table, spread, text_table
from ssi_audit.exports.text import Unreadable
from ssi_audit.names import join_identity
from ssi_audit.people import NO_OWNER, TECHNICAL

# Object → fields that tell it from the others: all of the first, one of the second.
_SIGNS = {
    "Opportunity": ({"id", "stagename", "closedate"}, {"ownerid"}),
    "OpportunityHistory": ({"opportunityid", "stagename"}, {"createddate", "fromopportunitystagename"}),
    "OpportunityContactRole": ({"opportunityid", "contactid"}, {"role", "isprimary", "id"}),
    "Event": ({"id", "ownerid"}, {"durationinminutes", "ischild", "isgroupevent", "startdatetime", "activitydatetime"}),
    "Task": ({"id", "ownerid", "status"}, {"activitydate", "calltype", "tasksubtype", "completeddatetime"}),
    "Lead": ({"id", "ownerid"}, {"isconverted", "convertedopportunityid", "converteddate"}),
    "User": ({"id"}, {"usertype", "isactive", "userroleid", "timezonesidkey"}),
    "Account": ({"id", "name", "ownerid"}, {"industry", "billingcity", "annualrevenue", "numberofemployees"}),
    "Quota": ({"quotaownerid", "startdate"}, {"quotaamount"}),
}
# Objects without events are taken along only beside one of these.
_WITH_EVENTS = ("Opportunity", "Event", "Lead")
_AUDIT = {"createddate", "createdbyid", "systemmodstamp", "lastmodifieddate", "lastmodifiedbyid", "isdeleted"}
# Every field that anything is taken from.
FIELD_NAMES = (
    "Id", "IsDeleted", "OwnerId", "CreatedDate", "LastModifiedDate", "SystemModstamp",
    "AccountId", "Name", "StageName", "Amount", "Probability", "CloseDate", "LeadSource", "IsClosed", "IsWon",
    "CurrencyIsoCode", "WhoId", "WhatId", "Subject", "Type", "Status", "ActivityDateTime", "ActivityDate",
    "StartDateTime", "CompletedDateTime", "IsAllDayEvent", "IsChild", "IsRecurrence", "IsPrivate", "Company",
    "ConvertedOpportunityId", "ConvertedContactId", "ContactId", "OpportunityId", "FirstName", "LastName", "Email",
    "UserType", "QuotaOwnerId", "QuotaAmount", "StartDate",
)  # fmt: skip
_FOLDED_NAMES = frozenset(text.fold(name) for name in FIELD_NAMES)
_HEAD_BYTES = 65_536
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
UTC = "UTC"
EMPTY_ID = "0" * 15
QUEUE, LEAD, CONTACT, OPPORTUNITY = "00G", "00Q", "003", "006"

QUEUE_OWNED = "owned by a queue"
OWNER_LIST = "list of users: it says who the owners are"
HISTORY = "history of a deal: the deal itself counts"
NO_EVENTS = "an object without events"
LINKS_ONLY = "ties records together; no event of its own"
IS_TASK = "a task, not a meeting"
SERIES = "pattern of a series: each of its meetings has a row of its own"
PRIVATE = "private: about no customer, lead or deal"
OTHER_ATTENDEE = "the same meeting of the same person, as an attendee"
NO_PERIOD = "the period of the quota cannot be told"


def kind_of(file: File) -> str:
    """The object that a file holds, "" for none; decided on its header line, which is plain ASCII.

    Nothing else of the file is read: an export can hold hundreds of objects, some of them very large.
    """
    if file.kind != "text":
        return ""
    head = file.head[:_HEAD_BYTES]
    line = re.split(
        r"[\r\n]", head.decode("utf-16" if head[:2] in _WIDE else "utf-8-sig", "ignore").lstrip(), maxsplit=1
    )[0]
    delimiter = max(",;\t", key=line.count)
    names = {name.strip(' "').lower() for name in line.split(delimiter)}
    for name, (needed, one_of) in _SIGNS.items():
        if needed <= names and one_of & names:
            return name
    return "other" if "id" in names and len(_AUDIT & names) >= 2 else ""


def objects_of(folder: Folder) -> list[File]:
    """The objects in a folder and below it, if any of them holds events."""
    kinds: dict[File, str] = {}
    for file in folder.all_files():
        kind = kind_of(file)
        file.forget()
        if kind:
            kinds[file] = kind
    return list(kinds) if set(kinds.values()) & set(_WITH_EVENTS) else []


def short(words: pd.Series) -> pd.Series:
    """Ids as their first 15 characters (the last three are a check sum), "" for the empty reference."""
    ids = words.str.slice(0, 15)
    return ids.where(ids != EMPTY_ID, "")


@dataclass
class _Org:
    """What the objects know of each other.

    Attributes
    ----------
    users : dict of str to dict
        Short id → pieces of an identity, and ``type``.
    case : dict of str to str
        Short id of a lead or contact → the case it belongs to: an opportunity, else the lead itself.
    accounts : dict of str to str
        Short id → name.
    latest : list of pandas.Timestamp
        Latest change in each object: the export is not older.
    """

    users: dict[str, dict[str, str]] = field(default_factory=dict)
    case: dict[str, str] = field(default_factory=dict)
    accounts: dict[str, str] = field(default_factory=dict)
    latest: list[pd.Timestamp] = field(default_factory=list)

    @property
    def told(self) -> pd.Timestamp:
        return max(self.latest, default=pd.NaT)


# Read in this order: who, then what became of whom, then what happened.
_ORDER = (
    "User", "Account", "OpportunityContactRole", "Lead", "Opportunity", "Event", "Task", "Quota", "OpportunityHistory",
    "other",
)  # fmt: skip


def read_objects(files: list[File], context: Context) -> Iterator[Rows]:
    """All objects as events; every file gets a ledger."""
    org = _Org()
    read: list[Rows] = []
    kinds = {file: kind_of(file) for file in files}
    for file in sorted(files, key=lambda file: (_ORDER.index(kinds[file]), file.name)):
        try:
            read.append(_READERS[kinds[file]](_table(file, context), org, context))
        except Unreadable as error:
            context.problem(file.name, error.found, error.fix)
        finally:
            file.forget()
            pa.default_memory_pool().release_unused()
    for rows in read:
        frame = rows.crm_events
        if frame is not None:
            frame = frame.assign(told=org.told)
            planned = ((frame["kind"] == "meeting") & (frame["date"] > org.told)).to_numpy()
            rows.ledger.skip(rows.ledger.at(frame["row"][planned].to_numpy()), crm.PLANNED)
            gone = [] if rows.withdrawn is None else [rows.withdrawn.assign(told=org.told)]
            if planned.any():
                gone.append(frame[planned].assign(person="", state=stages.GONE))
                frame = frame[~planned]
            rows.withdrawn = pd.concat(gone) if gone else None
        rows.crm_events = frame
        if rows.quotas is not None:
            rows.quotas = rows.quotas.assign(told=org.told)
        yield rows


def _table(file: File, context: Context) -> Table:
    """The table of a file; without the user's own answer, what is not UTF-8 is ISO-8859-1, the system's default."""
    told = context.settings.encoding
    data, encoding = file.data, "utf-8"
    if file.name in told or file.base in told or text.is_unicode(data):
        data = file.utf8
    elif text.is_latin(data):
        encoding = "latin-1"
    else:
        data, _ = text.decode(data, encoding="cp1252")
    file.forget()  # an export of an organisation is large: hold it once
    dialect, at, hidden = text.sniff(data, _FOLDED_NAMES, encoding)
    if at:
        head = text.sample_records(data[: text.HEAD_BYTES].decode(encoding, "ignore"), dialect, at + 1 + hidden)
        text.refuse_second_header(head[hidden:], at, _FOLDED_NAMES)
    cells = text.cut(data, dialect, at, hidden_first=hidden, only=_FOLDED_NAMES, encoding=encoding)
    return _needed(text_table(file.name, cells))


def _needed(table: Table) -> Table:
    """The table without the columns that nothing is taken from: organisations have hundreds."""
    frame = table.frame[[column for column in table.frame.columns if text.fold(column) in _FOLDED_NAMES]]
    return replace(table, frame=frame)


def _begin(table: Table, context: Context) -> Ledger:
    """Ledger of an object with its deleted rows left out."""
    ledger = table.ledger(context)
    crm.skip(table, ledger, stages.flags(table, table.find("IsDeleted")) == 1, crm.DELETED)
    return ledger


def _owners(table: Table, ledger: Ledger, org: _Org, column: str = "OwnerId") -> pd.Series:
    """Identity of each row's owner, as categories; queues and technical users are left out."""
    codes, ids = table.coded(table.find(column))
    made, why = [], []
    for full in ids:
        user = org.users.get(full[:15], {})
        technical = user.get("type", "standard") not in ("standard", "")
        queue = full.startswith(QUEUE)
        nobody = full[:15] in ("", EMPTY_ID)
        pieces = {"salesforce_user_id": full, "name": user.get("name", ""), "email": user.get("email", "")}
        made.append("" if nobody or queue or technical else join_identity(pieces))
        why.append(TECHNICAL if technical else QUEUE_OWNED if queue else NO_OWNER if nobody else "")
    for reason in (TECHNICAL, QUEUE_OWNED, NO_OWNER):
        crm.skip(table, ledger, np.array([one == reason for one in why], dtype=bool)[codes], reason)
    return spread(made, codes)


# --------------------------------------------------------------------------- the objects


def _read_users(table: Table, org: _Org, context: Context) -> Rows:
    ledger = table.ledger(context)
    first, last, name, mail, kind = (
        table.words(table.find(*names))
        for names in (("FirstName",), ("LastName",), ("Name",), ("Email",), ("UserType",))
    )
    full = name.where(name != "", (first + " " + last).str.strip())
    for key, shown, address, sort in zip(short(table.words(table.find("Id"))), full, mail, kind.str.lower()):
        org.users[key] = {"name": shown, "email": address, "type": sort}
    ledger.skip(np.ones(len(ledger), dtype=bool), OWNER_LIST)
    return Rows(ledger)


def _read_accounts(table: Table, org: _Org, context: Context) -> Rows:
    org.accounts.update(zip(short(table.words(table.find("Id"))), table.words(table.find("Name"))))
    return _set_aside(table, context, NO_EVENTS)


def _read_roles(table: Table, org: _Org, context: Context) -> Rows:
    """Contacts of opportunities: those of a single one lead from a meeting to its deal."""
    ledger = _begin(table, context)
    pairs = pd.DataFrame(
        {
            "contact": short(table.words(table.find("ContactId"))),
            "deal": short(table.words(table.find("OpportunityId"))),
        }
    )
    pairs = pairs[crm.in_use(table, ledger)].drop_duplicates()
    pairs = pairs[~pairs.duplicated("contact", keep=False) & (pairs["deal"] != "")]
    org.case.update(zip(pairs["contact"], pairs["deal"]))
    ledger.skip(np.ones(len(ledger), dtype=bool), LINKS_ONLY)
    return Rows(ledger)


def _read_leads(table: Table, org: _Org, context: Context) -> Rows:
    ledger = _begin(table, context)
    owner = _owners(table, ledger, org)
    gone = ~crm.in_use(table, ledger)
    created = table.times(table.find("CreatedDate"), context, naive_zone=UTC)
    crm.skip(table, ledger, created.isna().to_numpy(), crm.NO_DATE)
    lead = short(table.words(table.find("Id")))
    became = short(table.words(table.find("ConvertedOpportunityId")))
    case = became.where(became != "", lead)
    org.case.update(zip(lead, case))
    contact = short(table.words(table.find("ConvertedContactId")))
    pairs = pd.DataFrame({"contact": contact, "case": case})[contact != ""]
    for one, its in pairs[~pairs.duplicated("contact", keep=False)].itertuples(index=False):
        org.case.setdefault(one, its)
    frame = pd.DataFrame(
        {
            "person": owner,
            "date": created.dt.floor("D"),
            "kind": "inquiry",
            "source": table.words(table.find("LeadSource")),
            "deal": case,
            "id": lead,
            "about": table.words(table.find("Company")),
            "changed": _changed(table, org, context),
            "row": table.rows,
        }
    )
    return Rows(ledger, crm_events=frame[crm.in_use(table, ledger)], withdrawn=crm.withdrawn(frame, gone))


def _changed(table: Table, org: _Org, context: Context) -> pd.Series:
    """When each row was last changed; the export is not older than the latest change."""
    changed = table.times(table.find("LastModifiedDate", "SystemModstamp"), context, naive_zone=UTC)
    latest = crm.last_known(changed)
    org.latest += [latest] if pd.notna(latest) else []
    return changed


def _read_opportunities(table: Table, org: _Org, context: Context) -> Rows:
    ledger = _begin(table, context)
    owner = _owners(table, ledger, org)
    gone = ~crm.in_use(table, ledger)
    closed = table.days(table.find("CloseDate"), context)  # a day: its midnight belongs to no zone
    columns = {
        "stage": table.find("StageName"), "won": table.find("IsWon"), "closed": table.find("IsClosed"),
        "probability": table.find("Probability"),
    }  # fmt: skip
    ask = crm.in_use(table, ledger) & closed.notna().to_numpy()
    amount = table.numbers(table.find("Amount"), context)
    stated = currencies(table, table.find("CurrencyIsoCode"), context)
    account = table.words(table.find("AccountId"))
    name = table.words(table.find("Name"))
    about = short(account).map(org.accounts).astype("str").fillna("") if org.accounts else name
    deals = pd.DataFrame(
        {
            "person": owner,
            "created": table.times(table.find("CreatedDate"), context, naive_zone=UTC).dt.floor("D"),
            "closed": closed,
            "state": stages.outcomes(table, columns, context, ask),
            "amount": amount,
            "currency": "" if stated is None else stated,
            "closed_amount": amount,
            "closed_currency": "" if stated is None else stated,
            "source": table.categories(table.find("LeadSource")),
            "deal": short(table.words(table.find("Id"))),
            "about": about.where(about != "", name) if org.accounts else about,
            "changed": _changed(table, org, context),
        }
    )
    known = stages.known(table, columns, context)
    table = replace(table, frame=table.frame[[]])  # an export of an organisation is large: let go of its cells
    withdrawn = crm.withdrawn_deals(table, deals, gone, known)
    return Rows(ledger, crm_events=crm.deal_events(table, ledger, deals, context), withdrawn=withdrawn)


def _read_events(table: Table, org: _Org, context: Context) -> Rows:
    ledger = _begin(table, context)
    crm.skip(table, ledger, stages.flags(table, table.find("IsRecurrence")) == 1, SERIES)
    crm.skip(table, ledger, stages.flags(table, table.find("IsPrivate")) == 1, PRIVATE)
    what, who = (short(table.words(table.find(name))) for name in ("WhatId", "WhoId"))
    crm.skip(table, ledger, ((what == "") & (who == "")).to_numpy(), PRIVATE)
    crm.skip(table, ledger, (table.words(table.find("Type")).str.lower() == "email").to_numpy(), IS_TASK)
    return _meetings(table, ledger, org, context, _event_start(table, context), what, who)


def _event_start(table: Table, context: Context) -> pd.Series:
    """Start of each event; an event of a whole day has a day only."""
    timed = table.times(table.find("ActivityDateTime", "StartDateTime"), context, naive_zone=UTC)
    whole = stages.flags(table, table.find("IsAllDayEvent")) == 1
    return timed.mask(whole).fillna(table.days(table.find("ActivityDate", "StartDateTime"), context))


def _read_tasks(table: Table, org: _Org, context: Context) -> Rows:
    """Tasks are calls, e-mails and to-dos; only what the user calls a meeting, and was completed, is one."""
    ledger = _begin(table, context)
    said = table.words(table.find("Subject")) + " " + table.words(table.find("Type"))
    wanted = crm.says_any(said, context.settings.meeting_words)
    done = stages.flags(table, table.find("IsClosed")) == 1
    done |= (table.words(table.find("Status")).str.lower() == "completed").to_numpy()
    crm.skip(table, ledger, ~(wanted & done), IS_TASK)
    what, who = (short(table.words(table.find(name))) for name in ("WhatId", "WhoId"))
    crm.skip(table, ledger, ((what == "") & (who == "")).to_numpy(), PRIVATE)
    day = table.days(table.find("ActivityDate"), context)
    completed = table.times(table.find("CompletedDateTime"), context, naive_zone=UTC)
    return _meetings(table, ledger, org, context, day.fillna(completed.dt.floor("D")), what, who)


def _meetings(table, ledger: Ledger, org: _Org, context: Context, start, what, who) -> Rows:
    """Rows of activities as meetings, tied to the deal, the lead or the contact they are about."""
    # Tasks of other kinds, of which there are millions, were never meetings: only what is deleted is taken back.
    other = ~crm.in_use(table, ledger) & (stages.flags(table, table.find("IsDeleted")) != 1)
    subject = table.words(table.find("Subject"))
    crm.skip(table, ledger, crm.not_held(subject), crm.NOT_HELD)
    kind = table.words(table.find("Type"))
    crm.skip(table, ledger, crm.says_any(subject + " " + kind, context.settings.not_meeting_words), crm.NOT_MEETING)
    owner = _owners(table, ledger, org)
    gone = ~crm.in_use(table, ledger) & ~other
    crm.skip(table, ledger, start.isna().to_numpy(), crm.NO_DATE)
    about_whom = who.map(org.case).astype("str").fillna("") if org.case else who.where(who == "", "")
    deal = what.where(what.str.startswith(OPPORTUNITY), about_whom)
    frame = pd.DataFrame(
        {
            "person": owner,
            "date": start.dt.floor("D"),
            "kind": "meeting",
            "deal": deal,
            "id": short(table.words(table.find("Id"))),
            "time": start.where(start != start.dt.floor("D")),
            "about": subject,
            "changed": _changed(table, org, context),
            "row": table.rows,
            "start": start,
            "child": stages.flags(table, table.find("IsChild")) == 1,
            "with": what + "|" + who,
        }
    )
    helpers = ["start", "child", "with"]
    withdrawn = crm.withdrawn(frame.drop(columns=helpers), gone)
    frame = frame[crm.in_use(table, ledger)]
    frame = frame.sort_values(["child", "row"], kind="stable")
    copy = frame.duplicated(["person", "start", "with"]) & frame["child"]
    ledger.skip(ledger.at(frame["row"][copy].to_numpy()), OTHER_ATTENDEE)
    frame = frame[~copy].sort_values("row").drop(columns=helpers)
    return Rows(ledger, crm_events=frame, withdrawn=withdrawn)


def _read_quotas(table: Table, org: _Org, context: Context) -> Rows:
    """Forecasting quotas: a row for each owner and first day; the period lasts until the next first day."""
    ledger = _begin(table, context)
    owner = _owners(table, ledger, org, "QuotaOwnerId")
    start = table.days(table.find("StartDate"), context)
    days = np.sort(start.dropna().unique())
    gap = np.diff(days).min() / np.timedelta64(1, "D") if len(days) > 1 else np.nan
    months = 1 if 27 <= gap <= 31 else 3 if 88 <= gap <= 93 else 12 if 360 <= gap <= 370 else 0
    crm.skip(table, ledger, start.isna().to_numpy() | (months == 0), NO_PERIOD)
    amount = table.numbers(table.find("QuotaAmount"), context, low=0, expected="a quota cannot be negative")
    crm.skip(table, ledger, np.isnan(amount), "no quota in this row")
    stated = currencies(table, table.find("CurrencyIsoCode"), context)
    frame = pd.DataFrame(
        {
            "person": owner,
            "period_start": start,
            "period_end": start + pd.DateOffset(months=max(months, 1)) - pd.Timedelta(days=1),
            "quota": amount,
            "currency": "" if stated is None else stated,
            "row": table.rows,
        }
    )
    return Rows(ledger, quotas=frame[crm.in_use(table, ledger)])


def _set_aside(table: Table, context: Context, reason: str) -> Rows:
    ledger = table.ledger(context)
    ledger.skip(np.ones(len(ledger), dtype=bool), reason)
    return Rows(ledger)


_READERS = {
    "User": _read_users,
    "Account": _read_accounts,
    "OpportunityContactRole": _read_roles,
    "Lead": _read_leads,
    "Opportunity": _read_opportunities,
    "Event": _read_events,
    "Task": _read_tasks,
    "Quota": _read_quotas,
    "OpportunityHistory": lambda table, org, context: _set_aside(table, context, HISTORY),
    "other": lambda table, org, context: _set_aside(table, context, NO_EVENTS),
}
