"""LinkedIn archives of all years: what counts, what is left out, and that no text gets out of them."""

from __future__ import annotations

import json

import pytest

from ssi_audit.exports.archive_files import archive_name
from ssi_audit.exports.linkedin_archive import (
    BROKEN,
    DRAFT,
    FOUND_BY_START,
    INVITATIONS_NOTE,
    NO_ACTIONS,
    NO_DAY,
    NOT_KNOWN_WHO,
    UTC_NOTE,
)

from .folders import SHARED, fates, fill_zip, named, needs_shared, reading

PROFILE = "First Name,Last Name,Maiden Name,Address,Birth Date,Headline\nAda,Berg,,,,Seller\n"
LINK = "https://www.linkedin.com/feed/update/urn%3Ali%3Ashare%3A7100000000000000001"
MESSAGES = "CONVERSATION ID,CONVERSATION TITLE,FROM,SENDER PROFILE URL,TO,RECIPIENT PROFILE URLS,DATE,SUBJECT,CONTENT"
ADA, BO, CY = (f"https://www.linkedin.com/in/{name}-example" for name in ("ada", "bo", "cy"))


def counts(read, metric: str | None = None) -> dict[str, float]:
    """Day (or metric and day) → count, over all persons."""
    rows = [(row[2], row[1], row[3]) for row in named(read, "activity")]
    if metric is None:
        return {f"{found} {day}": count for found, day, count in rows}
    return {day: count for found, day, count in rows if found == metric}


def archive(**files: str) -> dict[str, str]:
    """An archive in a folder `ada`, with a profile; `Company_Follows` stands for "Company Follows"."""
    return {"ada/Profile.csv": PROFILE} | {f"ada/{name.replace('__', ' ')}.csv": text for name, text in files.items()}


# --------------------------------------------------------------------------- files with actions


def test_a_comment_with_backslash_quotes_and_line_breaks_is_one_comment(tmp_path):
    """Quotes inside a comment have a backslash; a comma and a line break behind them end no row."""
    text = (
        f'Date,Link,Message\n2026-02-25 10:00:00,{LINK},"He said \\"no, never\\",\n\nand left."\n'
        f"2026-02-24 09:00:00,{LINK},Well put!\n"
    )
    read = reading(tmp_path, archive(Comments=text))
    assert counts(read, "comments") == {"2026-02-24": 1, "2026-02-25": 1}
    assert fates(read, "ada/Comments.csv") == [(2, 3, "used", "")]


def test_unquoted_line_breaks_of_2021_to_2023_make_no_rows(tmp_path):
    """A comment with a line break and no comma was not quoted: rows are what begins with a time and an address."""
    text = (
        f"Date,Link,Message\n2022-05-02 10:00:00,{LINK},First thought\n\nSecond thought\n"
        f'2022-05-03 11:00:00,{LINK},"quoted, as it should be"\n'
        f'2022-05-03 12:00:00,{LINK},Again\n"to quote a friend\nmore\n'
        f"2022-05-04 08:00:00,{LINK},End\n"
    )
    read = reading(tmp_path, archive(Comments=text))
    assert counts(read, "comments") == {"2022-05-02": 1, "2022-05-03": 2, "2022-05-04": 1}
    assert fates(read, "ada/Comments.csv") == [(2, 5, "repaired", FOUND_BY_START)]


def test_comments_with_doubled_quotes_are_read_too(tmp_path):
    """Should LinkedIn (or a spreadsheet program) write quotes twice, the columns of the header decide."""
    text = (
        f'Date,Link,Message\n2026-02-25 10:00:00,{LINK},"He said ""no, never"" twice"\n2026-02-25 11:00:00,{LINK},x\n'
    )
    assert counts(reading(tmp_path, archive(Comments=text)), "comments") == {"2026-02-25": 2}


def test_a_post_of_several_lines_is_one_post(tmp_path):
    """Shares.csv puts quotes around every line break of a post."""
    text = (
        "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n"
        f'2026-02-25 10:00:05,{LINK},"Three things.""\n""\n""1, 2, 3.",,,MEMBER_NETWORK\n'
        f"2026-02-23 18:30:00,{LINK},,,,MEMBER_NETWORK\n"
    )
    assert counts(reading(tmp_path, archive(Shares=text)), "posts") == {"2026-02-23": 1, "2026-02-25": 1}


def test_crlf_changes_nothing(tmp_path):
    """Line ends differ from file to file."""
    text = f"Date,Type,Link\n2026-02-25 10:00:00,LIKE,{LINK}\n2026-02-25 10:01:00,PRAISE,{LINK}\n"
    read = reading(tmp_path, archive(Reactions=text.replace("\n", "\r\n")))
    assert counts(read, "reactions") == {"2026-02-25": 2}


def test_nameless_connections_count(tmp_path):
    """A row with nothing but a day is a connection whose account is closed."""
    notes = 'Notes:\n"When exporting your connection data, you may notice ""gaps""."\n\n'
    rows = (
        "First Name,Last Name,Email Address,Company,Position,Connected On\nBo,Lind,,,,18 Dec 2023\n,,,,,18 Dec 2023\n"
    )
    read = reading(tmp_path, archive(Connections=notes + rows))
    assert counts(read, "connections_added") == {"2023-12-18": 2}


def test_invitations_are_month_first_whatever_the_user_says_of_his_files(tmp_path):
    """LinkedIn writes US dates for every account: `day_first = true` is about other files."""
    text = (
        'From,To,Sent At,Message,Direction\nAda Berg,Bo Lind,"3/4/26, 12:05 AM",,OUTGOING\n'
        'Cy Moe,Ada Berg,"3/5/26, 11:59 PM",,INCOMING\n'
    )
    read = reading(tmp_path, archive(Invitations=text), day_first=True)
    assert counts(read, "invitations_sent") == {"2026-03-04": 1}
    assert counts(read, "invitations_received") == {"2026-03-05": 1}
    assert INVITATIONS_NOTE in read.tables.notes


def test_searches_follows_votes_and_reposts_count(tmp_path):
    """Follows of members and of companies add up, votes add to reactions: they are one export."""
    read = reading(
        tmp_path,
        archive(
            SearchQueries="Time,Search Query\n2026/02/25 19:00:59 UTC,buyer\n2026/02/23 08:55:10 UTC,oak\n",
            Member_Follows_123="Date,Status,FullName\n2026-02-24 10:00:00,Active,Bo Lind\n"
            "2026-02-24 10:00:00,Inactive,Cy\n",
            Company__Follows="Organization,Followed On\nOakline,Tue Feb 24 10:11:12 UTC 2026\n",
            Votes=f"Date,Link,OptionText\n2026-02-24 10:00:00,{LINK},Yes\n",
            Reactions_123=f"Date,Type,Link\n2026-02-24 10:00:00,LIKE,{LINK}\n",
            InstantReposts_123=f"Date,Link\n2026-02-24 10:00:00,{LINK}\n",
        ),
    )
    assert counts(read) == {
        "searches 2026-02-23": 1,
        "searches 2026-02-25": 1,
        "follows 2026-02-24": 2,
        "reactions 2026-02-24": 2,
        "reposts 2026-02-24": 1,
    }


def test_an_archive_of_2018_is_read(tmp_path):
    """UTF-16 with tabs, other names and columns, US dates, directions instead of addresses."""
    wide = {
        "ada/Shares.csv": "Date\tShareLink\tShareCommentary\tSharedURL\tMediaURL\tShared\tLanguage\tType\tVisibility\n"
        f"2018-10-16 08:36:00\t{LINK}\tHello\t\t\t\t\tSHARE\tPUBLIC\n",
        "ada/Search Queries.csv": "Time\tSearch Query\n2018/10/16 08:36:00 UTC\toak\n",
    }
    plain = {
        "ada/Profile.csv": PROFILE,
        "ada/Connections.csv": "First Name,Last Name,Email Address,Company,Position,Connected On\n"
        'Bo,Lind,,,,"10/18/18, 1:21 AM"\n',
        "ada/Messages.csv": "From,To,Date,Subject,Content,Direction,Folder\n"
        'Ada Berg,Bo Lind,"10/16/18, 8:36 AM",,Hi,OUTGOING,INBOX\n'
        'Bo Lind,Ada Berg,"10/17/18, 8:36 PM",,"Hello, Ada",INCOMING,INBOX\n',
    }
    read = reading(tmp_path, plain | {name: b"\xff\xfe" + text.encode("utf-16-le") for name, text in wide.items()})
    assert counts(read) == {
        "connections_added 2018-10-18": 1,
        "messages_received 2018-10-17": 1,
        "messages_sent 2018-10-16": 1,
        "posts 2018-10-16": 1,
        "searches 2018-10-16": 1,
    }


# --------------------------------------------------------------------------- messages


def test_messages_are_sent_by_the_owner_only(tmp_path):
    """Drafts were not sent; a sponsored message, a closed account and a namesake did not write for the owner."""
    rows = [
        f'1,,Ada Berg,{ADA},Bo Lind,{BO},2026-02-25 16:20:11 UTC,,"Hi, Bo\nAda",INBOX,No',
        f"1,,Bo Lind,{BO},Ada Berg,{ADA},2026-02-25 17:02:40 UTC,,Yes,INBOX,No",
        f"1,,Ada Berg,{ADA},Bo Lind,{BO},2026-02-26 08:00:00 UTC,,Unsent,INBOX,Yes",
        f"2,,LinkedIn Member,,Ada Berg,{ADA},2026-02-23 07:11:00 UTC,,,INBOX,No",
        f"3,Sponsored Conversation,Acme Cloud,,Ada Berg,{ADA},2026-02-23 06:00:00 UTC,Offer,"
        '"<p class=""x"">Hi</p>",INBOX,No',
        f"4,,Ada Berg,{CY},Ada Berg,{ADA},2026-02-23 09:00:00 UTC,,From a namesake,INBOX,No",
        f"5,,Ada Berg,{ADA},Cy Moe,{CY},2026-02-27 09:00:00 UTC,,Morning,INBOX,No",
    ]
    text = "\n".join([f"{MESSAGES},FOLDER,IS MESSAGE DRAFT", *rows]) + "\n"
    read = reading(tmp_path, archive(messages=text))
    assert counts(read, "messages_sent") == {"2026-02-25": 1, "2026-02-27": 1}
    assert counts(read, "messages_received") == {"2026-02-23": 3, "2026-02-25": 1}
    assert (4, 4, "skipped", DRAFT) in fates(read, "ada/messages.csv")


def test_an_owner_who_changed_name_is_known_by_the_address_of_the_invitations(tmp_path):
    """Old messages keep the old name; the profile address of the owner stands in the invitations."""
    invitations = (
        "From,To,Sent At,Message,Direction,inviterProfileUrl,inviteeProfileUrl\n"
        f'Ada Berg,Cy Moe,"2/24/26, 9:05 AM",,OUTGOING,{ADA},{CY}\n'
    )
    messages = f"{MESSAGES},FOLDER\n1,,Ada Holm,{ADA},Bo Lind,{BO},2020-02-25 16:20:11 UTC,,Hi,INBOX\n"
    read = reading(tmp_path, archive(Invitations=invitations, messages=messages))
    assert counts(read, "messages_sent") == {"2020-02-25": 1}


def test_without_a_profile_the_owner_is_who_takes_part_in_every_conversation(tmp_path):
    """Two partners tell who of the three is the owner."""
    messages = (
        f"{MESSAGES},FOLDER\n1,,Ada Berg,{ADA},Bo Lind,{BO},2026-02-25 16:20:11 UTC,,Hi,INBOX\n"
        f"2,,Cy Moe,{CY},Ada Berg,{ADA},2026-02-26 16:20:11 UTC,,Hi,INBOX\n"
    )
    read = reading(tmp_path, {"ada berg/messages.csv": messages})
    assert counts(read) == {"messages_sent 2026-02-25": 1, "messages_received 2026-02-26": 1}


def test_with_one_partner_and_no_profile_nobody_is_guessed(tmp_path):
    """One conversation does not tell who of the two is the owner: its messages are left out, with a reason."""
    messages = f"{MESSAGES},FOLDER\n1,,Ada Berg,{ADA},Bo Lind,{BO},2026-02-25 16:20:11 UTC,,Hi,INBOX\n"
    read = reading(tmp_path, {"ada berg/messages.csv": messages})
    assert counts(read) == {}
    assert fates(read, "ada berg/messages.csv") == [(2, 2, "skipped", NOT_KNOWN_WHO)]


# --------------------------------------------------------------------------- one archive, two archives


ONE = {
    "Profile.csv": PROFILE,
    "Comments.csv": f"Date,Link,Message\n2026-02-25 10:00:00,{LINK},b\n2026-02-24 10:00:00,{LINK},a\n",
    "Reactions.csv": f"Date,Type,Link\n2026-02-24 10:00:00,LIKE,{LINK}\n",
}


def test_the_same_archive_as_zip_and_folder_counts_once(tmp_path):
    """People unpack the zip and leave it there."""
    fill_zip(tmp_path / "Complete_LinkedInDataExport_03-02-2026.zip", ONE)
    read = reading(tmp_path, {f"unpacked/{name}": text for name, text in ONE.items()})
    assert counts(read) == {"comments 2026-02-24": 1, "comments 2026-02-25": 1, "reactions 2026-02-24": 1}


def test_two_archives_of_one_person_overlap(tmp_path):
    """The later archive holds the older rows: an action in both counts once, one that was deleted since, too."""
    later = ONE | {
        "Comments.csv": f"Date,Link,Message\n2026-03-01 10:00:00,{LINK},d\n2026-02-25 12:00:00,{LINK},c\n"
        f"2026-02-25 10:00:00,{LINK},b\n"
    }
    fill_zip(tmp_path / "january.zip", ONE)
    fill_zip(tmp_path / "march.zip", later)
    read = reading(tmp_path)
    assert counts(read, "comments") == {"2026-02-24": 1, "2026-02-25": 2, "2026-03-01": 1}
    assert counts(read, "reactions") == {"2026-02-24": 1}


def test_an_archive_in_a_folder_of_the_zip_is_found(tmp_path):
    """Some programs put the folder itself into the zip; its other files are counted and left out."""
    more = {"Ad_Targeting.csv": "Member Age,Company Names\n30,a\n", "New File.csv": "x,y\n1,2\n"}
    fill_zip(
        tmp_path / "Complete_LinkedInDataExport_03-02-2026.zip",
        {f"Complete_LinkedInDataExport_03-02-2026/{name}": text for name, text in (ONE | more).items()},
    )
    read = reading(tmp_path)
    assert counts(read, "comments") == {"2026-02-24": 1, "2026-02-25": 1}
    ledger = read.tables.ledger
    assert set(ledger["reason"][ledger["file"].str.contains("Ad_Targeting|New File")]) == {NO_ACTIONS}
    assert not any("not a file this program knows" in note for note in read.tables.notes)


def test_two_archives_in_one_zip_stay_apart(tmp_path):
    """A team's archives in one zip, a folder each."""
    bo = PROFILE.replace("Ada,Berg", "Bo,Lind")
    files = {f"ada/{name}": text for name, text in ONE.items()}
    fill_zip(tmp_path / "team.zip", files | {"bo/Profile.csv": bo, "bo/Reactions.csv": ONE["Reactions.csv"]})
    rows = named(reading(tmp_path), "activity")
    assert ("Bo Lind", "2026-02-24", "reactions", 1.0, None) in rows
    assert ("Ada Berg", "2026-02-24", "reactions", 1.0, None) in rows


def test_a_crm_file_beside_an_archive_is_not_taken_for_a_part_of_it(tmp_path):
    """`Events.csv` is also the name of a file of the archive: what another reader knows is its own."""
    files = dict(ONE) | {"Events.csv": "person,date,kind\nAda Berg,2026-02-24,meeting\n"}
    assert len(reading(tmp_path, files).tables.crm_events) == 1


# --------------------------------------------------------------------------- whose, when


def test_the_owner_is_named_by_the_profile(tmp_path):
    """First and last name of Profile.csv; the folder's name does not matter."""
    read = reading(tmp_path, {f"x/{name}": text for name, text in ONE.items()})
    assert list(read.tables.people["name"]) == ["Ada Berg"]


@pytest.mark.parametrize("name", ["Ada Berg/Comments.csv", "Ada Berg Comments.csv", "Comments Ada Berg (2).csv"])
def test_without_a_profile_the_folder_or_the_file_names_the_owner(tmp_path, name):
    """The words of LinkedIn's own file names are nobody's name."""
    people = "person,email\nAda Berg,ada@x.example\nBo Lind,bo@x.example\n"
    read = reading(tmp_path, {name: ONE["Comments.csv"], "people.csv": people})
    assert {row[0] for row in named(read, "activity")} == {"Ada Berg"}


def test_an_archive_of_nobody_asks_for_its_owner(tmp_path):
    """A lone file in no folder of a person's name belongs to nobody, with a note that says how to tell."""
    read = reading(tmp_path, {"Comments.csv": ONE["Comments.csv"]})
    assert len(read.tables.activity) == 0
    assert any("[persons]" in note and "Comments.csv" in note for note in read.tables.notes)


def test_the_setting_persons_beats_the_profile(tmp_path):
    """The user knows best whose folder it is."""
    read = reading(tmp_path, {f"x/{name}": text for name, text in ONE.items()}, persons={"x": "Cy Moe"})
    assert {row[0] for row in named(read, "activity")} == {"Cy Moe"}


def test_times_without_a_zone_are_utc_and_can_be_moved(tmp_path):
    """Half past eleven at night in UTC is the next day in Helsinki; the shift moves zone-less times only."""
    files = archive(
        Comments=f"Date,Link,Message\n2026-02-24 23:30:00,{LINK},a\n",
        SearchQueries="Time,Search Query\n2026/02/24 20:30:00 UTC,x\n",
        Connections="First Name,Last Name,Connected On\nBo,Lind,24 Feb 2026\n",
    )
    assert counts(reading(tmp_path, files)) == {
        "comments 2026-02-24": 1,
        "searches 2026-02-24": 1,
        "connections_added 2026-02-24": 1,
    }
    helsinki = reading(tmp_path, files, timezone="Europe/Helsinki")
    assert counts(helsinki) == {
        "comments 2026-02-25": 1,
        "searches 2026-02-24": 1,
        "connections_added 2026-02-24": 1,
    }
    moved = reading(tmp_path, files, archive_shift_hours=1)
    assert counts(moved, "comments") == {"2026-02-25": 1}
    assert f"{UTC_NOTE} and moved by 1 hours (archive_shift_hours)" in moved.tables.notes


# --------------------------------------------------------------------------- nothing gets out


def test_no_text_name_or_search_gets_into_tables_ledger_or_notes(tmp_path):
    """Only days and counts of the owner come out of an archive, even where its quoting is broken."""
    secret = "Xyzzy"
    read = reading(
        tmp_path,
        archive(
            Comments=f'Date,Link,Message\n2026-02-24 10:00:00,{LINK},{secret} one\n{secret}, two\n"{secret}\n'
            f"2026-02-25 10:00:00,{LINK},x\n",
            SearchQueries=f"Time,Search Query\n2026/02/24 20:30:00 UTC,{secret}\n{secret},\n,{secret}\n",
            Connections=f"First Name,Last Name,Connected On\n{secret},{secret},24 Feb 2026\n{secret},{secret},\n",
            messages=f"{MESSAGES},FOLDER\n"
            f"1,{secret},{secret},{BO},Ada Berg,{ADA},2026-02-25 16:20:11 UTC,{secret},{secret},INBOX\n",
            Invitations=f'From,To,Sent At,Message,Direction\nAda Berg,{secret},"3/24/26, 12:05 AM",{secret},OUTGOING\n',
            Company__Follows=f"Organization,Followed On\n{secret},Tue Feb 24 10:11:12 UTC 2026\n",
            Positions=f"Company Name,Title\n{secret},{secret}\n",
        ),
    )
    tables = read.tables
    frames = (tables.ssi, tables.activity, tables.crm_events, tables.people, tables.ledger, read.proposals)
    kept = "".join(frame.to_csv() for frame in frames) + repr(tables.notes)
    assert secret not in kept
    assert counts(read, "comments") == {"2026-02-24": 1, "2026-02-25": 1}
    assert (3, 3, "skipped", BROKEN) in fates(read, "ada/SearchQueries.csv")
    assert (3, 3, "skipped", NO_DAY) in fates(read, "ada/Connections.csv")


def test_letters_of_an_unknown_encoding_do_not_matter(tmp_path):
    """Only days are taken: a text that fits several encodings is no reason to ask (and to show it)."""
    text = f"Date,Link,Message\n2026-02-24 10:00:00,{LINK},".encode() + b"\xb9\xe6\xea \xa3\xf3d\xbf"
    read = reading(tmp_path, archive() | {"ada/Comments.csv": text + b"\n"})
    assert counts(read, "comments") == {"2026-02-24": 1}


@pytest.mark.parametrize(
    ("base", "name"),
    [
        ("Comments_34875879.csv", "comments"),
        ("Connections (1).csv", "connections"),
        ("Search Queries.csv", "searchqueries"),
        ("Member_Follows_1.csv", "memberfollows"),
        ("messages - copy.csv", "messages"),
    ],
)
def test_names_of_files_lose_numbers_and_marks_of_copies(base, name):
    """LinkedIn adds the member's number, browsers add the number of the copy."""
    assert archive_name(base) == name


# --------------------------------------------------------------------------- shared files


def _expected(name: str) -> set[tuple]:
    expected = json.loads((SHARED / "fixtures" / "expected.json").read_text(encoding="utf-8"))
    return {(row["person"], row["date"], row["metric"], float(row["count"])) for row in expected[name]["rows"]}


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize("source", ["linkedin_archive_nora", "Complete_LinkedInDataExport_03-02-2026.zip"])
@pytest.mark.parametrize("with_people", [True, False])
def test_the_shared_archive_gives_its_17_rows(tmp_path, source, with_people):
    """Folder and zip give the same rows, with people.csv and without."""
    fixtures = SHARED / "fixtures"
    if (fixtures / source).is_file():
        (tmp_path / source).write_bytes((fixtures / source).read_bytes())
    else:
        _copy(tmp_path, source)
    if with_people:
        (tmp_path / "people.csv").write_bytes((fixtures / "people.csv").read_bytes())
    rows = {row[:4] for row in named(reading(tmp_path), "activity")}
    assert rows == _expected("linkedin_archive_nora")
    assert len(rows) == 17


def _copy(folder, source):
    target = folder / source
    target.mkdir()
    for file in (SHARED / "fixtures" / source).iterdir():
        (target / file.name).write_bytes(file.read_bytes())


@pytest.mark.shared
@needs_shared
def test_the_real_archive_gives_323_comments_and_202_posts(tmp_path):
    """Right only with backslashes in one file and doubled quotes in the other."""
    source = SHARED / "data" / "linkedin_archive_redacted"
    files = {f"Ada Berg/{name}": (source / name).read_bytes() for name in ("Comments.csv", "Shares.csv")}
    read = reading(tmp_path, files)
    assert sum(counts(read, "comments").values()) == 323
    assert sum(counts(read, "posts").values()) == 202
    assert fates(read, "Ada Berg/Comments.csv") == [(2, 324, "used", "")]
    assert (min(counts(read, "comments")), max(counts(read, "comments"))) == ("2016-02-22", "2025-07-13")
