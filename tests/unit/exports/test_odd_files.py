"""Files that are whole in what matters: odd letters, an owner who is not named, an amount of work to tell."""

from __future__ import annotations

from tests.unit.exports.folders import complaint, fates, named, reading

LINK = "https://www.linkedin.com/feed/update/x"
PROFILE = "First Name,Last Name,Maiden Name,Address,Birth Date,Headline,Summary,Industry\n"


def test_letters_that_cannot_be_told_do_not_matter_where_only_days_are_taken(tmp_path):
    """Comments in an encoding that fits several languages: the days are plain, the texts are not kept."""
    text = b"Date,Link,Message\n"
    text += f"2026-02-01 10:00:00,{LINK},".encode() + b"na\xefve \xb3\xf9\n"
    text += f"2026-02-02 10:00:00,{LINK},".encode() + b"p\xeeche \xb9\n"
    read = reading(tmp_path, {"Ada Berg/Comments.csv": text})
    assert [row[1:4] for row in named(read, "activity")] == [
        ("2026-02-01", "comments", 1), ("2026-02-02", "comments", 1),
    ]  # fmt: skip


def test_a_profile_alone_is_told_and_gives_nothing(tmp_path):
    """It says whose an archive is; without the archive there is nothing to count, and nobody is made of it."""
    read = reading(tmp_path, {"Profile.csv": f"{PROFILE}Ada,Berg,,,,,,\n"})
    assert fates(read, "Profile.csv") == [(2, 2, "skipped", "says whose archive it is")]
    assert len(read.tables.people) == 0


def test_an_empty_profile_names_nobody(tmp_path):
    """The actions of such an archive are unmatched, and the setting that names their person is shown."""
    reactions = f"Date,Type,Link\n2026-02-01 10:00:00,LIKE,{LINK}\n"
    read = reading(tmp_path, {"a/Profile.csv": PROFILE, "a/Reactions.csv": reactions})
    assert len(read.unmatched["activity"]) == 1
    assert any('[persons]  "a/Reactions.csv" = "the person"' in note for note in read.tables.notes)


def test_a_quotation_mark_that_is_never_closed_is_named_with_its_row(tmp_path):
    """In a file of an archive as in any other table."""
    text = f'Date,Type,Link\n2026-02-01 10:00:00,LIKE,{LINK}\n2026-02-01 10:00:00,"LIKE,{LINK}\n'
    assert "Ada Berg/Reactions.csv: 1 problem\n  row 3: a quotation mark is not closed" in complaint(
        tmp_path, {"Ada Berg/Reactions.csv": text}
    )
