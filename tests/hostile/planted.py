"""A data folder in many formats in which everything that tells of a person or a customer is a planted word.

Every name, address, URL, deal, system id, subject, text and file name holds `PLANT`; so one word is looked for in
every byte of what is written. Names also carry markup, which must not appear as such on any page.
"""

from __future__ import annotations

import csv
import io
import json
import random
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path

from ssi_audit.worlds import make_world, write_world
from tests.hostile.made import in_zip, sheet_rows, workbook

PLANT = "qzplant"
# What a page may not hold unescaped: an element of ours would never have this name.
MARKUP = f"<{PLANT}-x onerror=alert(1)>"
# Teams of twelve, seven and three; the names of teams are shown, so nothing is planted in them but markup.
TEAMS = ("North & <b>West</b>",) * 12 + ("South",) * 7 + ("Tiny",) * 3
PEOPLE = len(TEAMS)


def name_of(number: int) -> str:
    """A name, told from all others by its last word."""
    return f"{PLANT.title()} {MARKUP} Person{'abcdefghijklmnopqrstuvwxyz'[number]}"


def email_of(number: int) -> str:
    """An address."""
    return f"{PLANT}.{number}@{PLANT}-mail.example"


def plant(folder: Path, weeks: int = 40) -> None:
    """Write the folder."""
    plain = folder.parent / "plain"
    write_world(make_world("activity_gauge", PEOPLE, weeks, 11), plain)
    people = _rows(plain / "people.csv")
    names = {row["person"]: name_of(number) for number, row in enumerate(people)}
    folder.mkdir()
    for table in ("ssi", "activity", "crm_events", "quotas"):
        rows = _rows(plain / f"{table}.csv")
        for row in rows:
            row["person"] = names[row["person"]]
            if row.get("deal"):
                row["deal"] = f"{PLANT}-deal-{row['deal']}{MARKUP}"
                row["source"] = f"{row['source']} {PLANT} {MARKUP}"
        _write(folder / f"{table}.csv", rows)
    _write(folder / "people.csv", [_person(number) for number in range(PEOPLE)])
    for name, content in {**others(), "ssi-audit.toml": _settings().encode()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _person(number: int) -> dict[str, str]:
    ids = {"salesforce_user_id": f"005{PLANT}{number:05d}", "hubspot_owner": f"{PLANT} Hub{number}",
           "pipedrive_user": f"{PLANT} Pipe{number}", "dynamics_owner": f"{PLANT} Dyn{number}",
           "zoho_owner_id": f"zcrm_{PLANT}{number}", "salesnav_seat_id": f"{PLANT}seat{number}"}  # fmt: skip
    return {
        "person": name_of(number), "email": email_of(number), "linkedin_name": f"{PLANT} Linked{number}",
        "linkedin_url": f"https://www.linkedin.com/in/{PLANT}-{number}", "team": TEAMS[number],
        "territory": f"{PLANT} territory {MARKUP}" if number == 21 else "East",
        "hired_on": f"20{15 + number % 8}-05-01", "licence_start": "", "crm_owner": f"{PLANT} Owner{number}",
        "aliases": f"{PLANT} Alias{number}", **ids, "notes": f"{PLANT} note {MARKUP}",
    }  # fmt: skip


def others() -> dict[str, bytes]:
    """Files of other formats by name, each with planted words in every field of text."""
    text = f"{PLANT} secret text {MARKUP}"
    archive = {
        "Profile.csv": f"First Name,Last Name,Maiden Name,Headline\n{PLANT},Linked0,,{text}\n",
        "messages.csv": "CONVERSATION ID,CONVERSATION TITLE,FROM,SENDER PROFILE URL,TO,RECIPIENT PROFILE URLS,DATE,"
        f"SUBJECT,CONTENT\n{PLANT}1,{text},{PLANT} Linked0,https://www.linkedin.com/in/{PLANT}-0,{PLANT} Customer,"
        f'https://www.linkedin.com/in/{PLANT}-customer,2024-03-05 10:00:00 UTC,{text},"{text}"\n',
        "Connections.csv": f"First Name,Last Name,URL,Email Address,Company,Position,Connected On\n{PLANT},Customer,"
        f"https://www.linkedin.com/in/{PLANT}-c,{PLANT}@x.example,{text},{text},05 Mar 2024\n",
        "Comments.csv": f"Date,Link,Message\n2024-03-05 10:00:00,https://www.linkedin.com/{PLANT},{text}\n",
    }
    deals = (
        "Deal - ID,Deal - Title,Deal - Owner,Deal - Value,Deal - Currency of Value,Deal - Organization,"
        "Deal - Pipeline,Deal - Stage,Deal - Status,Deal - Deal created,Deal - Won time,Deal - Source channel\n"
        f"{PLANT}41,{text},{PLANT} Pipe3,1200,EUR,{text},Sales,{text},Won,2024-03-04 14:02:11,2024-05-27 16:05:00,"
        f"{text}\n"
    )
    hubspot = (
        "Record ID,Deal Name,Deal Stage,Pipeline,Close Date,Create Date,Deal owner,Amount,Currency,"
        "Original Source Type\n"
        f"{PLANT}901,{text},Closed Won,Sales,2024-05-27 16:05,2024-03-04 14:02,{PLANT} Hub4,1200.00,EUR,{text}\n"
    )
    salesforce = (
        "Opportunity Owner,Account Name,Opportunity Name,Stage,Amount,Close Date,Created Date,Lead Source,"
        "Opportunity ID\n"
        f"{PLANT} Owner5,{text},{text},Closed Won,1200.00,5/27/2024,3/14/2024,{text},{PLANT}0065g\n"
    )
    calendar = (
        f"BEGIN:VCALENDAR\nVERSION:2.0\nX-WR-CALNAME:{email_of(6)}\nBEGIN:VEVENT\nUID:{PLANT}-1\n"
        f"DTSTAMP:20240301T100000Z\nDTSTART:20240311T100000Z\nSUMMARY:{text}\nDESCRIPTION:{text}\n"
        f"ORGANIZER;CN={PLANT}:mailto:{email_of(6)}\nATTENDEE;PARTSTAT=ACCEPTED:mailto:{PLANT}@customer.example\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    )
    page = (
        f"<html><title>{PLANT}</title><body>{text}<code>"
        f'{{"memberScore": {{"overall": 44}}, "member": "{PLANT}"}}</code></body></html>'
    )
    sheet = f"person,date,total\n{email_of(7)},2024-03-11,41\nnobody {PLANT} stranger,2024-03-11,42\n"
    return {
        f"archives/Complete_LinkedInDataExport_{PLANT}-linked0.zip": in_zip(archive),
        f"deals-{PLANT}.csv": deals.encode(),
        f"hubspot-crm-exports-{PLANT}-deals.csv": hubspot.encode(),
        f"report-{PLANT}.csv": salesforce.encode(),
        f"calendar-{PLANT}.ics": calendar.encode(),
        f"ssi_{PLANT}-linked1_2024-03-12.html": page.encode(),
        f"ssi_{PLANT}-linked2_2024-03-12.json": json.dumps({"memberScore": {"overall": 43}, "x": text}).encode(),
        f"{PLANT}/ssi_sheet.xlsx": workbook(sheet_rows(sheet)),
        f"unknown-{PLANT}.csv": f"{PLANT} a,{PLANT} b\n{text},{text}\n".encode(),
        f"notes-{PLANT}.sqlite": _database(),
    }


def _settings() -> str:
    """Answers of the user that name people, files, stages and customers."""
    return (
        f"organisation = 'Acme & <i>Sons</i>'\nown_domains = ['{PLANT}-mail.example']\n"
        f"meeting_words = ['{PLANT} meeting']\npipelines = []\nlinkedin_sources = ['linkedin', '{PLANT} social']\n"
        f"[persons]\n'ssi_{PLANT}-linked1_2024-03-12.html' = '{PLANT} Linked1'\n"
        f"'ssi_{PLANT}-linked2_2024-03-12.json' = '{email_of(2)}'\n[stages]\n'{PLANT} won it' = 'won'\n"
    )


def _database() -> bytes:
    with closing(sqlite3.connect(":memory:")) as base:
        base.execute(f"create table {PLANT} (person text, note text)")
        base.execute(f"insert into {PLANT} values ('{PLANT}', '{PLANT}')")
        base.commit()
        return base.serialize()


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _write(path: Path, rows: list[dict[str, str]]) -> None:
    random.Random(path.name).shuffle(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def texts(folder: Path):
    """Every file below a folder as (name, text): zips and gzips opened, Parquet as its cells and its metadata."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield from _texts(path.relative_to(folder).as_posix(), path.read_bytes())


def _texts(name: str, data: bytes):
    yield name, name
    if data.startswith(b"PAR1"):
        import pyarrow.parquet as pq

        table = pq.read_table(io.BytesIO(data))
        yield name, table.to_pandas().to_csv() + str(table.schema.metadata)
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for member in archive.namelist():
                yield from _texts(f"{name}/{member}", archive.read(member))
    elif data.startswith(b"\x1f\x8b"):
        import gzip

        yield from _texts(f"{name}/gz", gzip.decompress(data))
    yield name, data.decode("utf-8", "replace")
