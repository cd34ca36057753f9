"""Who is who: ids first, then addresses, then names; namesakes apart; guesses only proposed."""

from __future__ import annotations

import pandas as pd
import pytest

from ssi_audit.names import as_received, id_key, identities, name_tokens, split_identity, url_key
from ssi_audit.people import NAMESAKES, NO_OWNER, OTHER_ID, TECHNICAL, UNKNOWN, resolve


def who(**pieces: str) -> str:
    return identities(**pieces).iloc[0]


def roster(*records: dict) -> pd.DataFrame:
    frame = pd.DataFrame(records).astype("str").fillna("")
    return frame.assign(file="people.csv", row=range(2, len(frame) + 2))


def seen(*found: str, table: str = "ssi") -> pd.DataFrame:
    return pd.DataFrame({"identity": found, "table": table, "file": "a.csv", "rows": 1})


def matched(people: pd.DataFrame | None, *found: str, accepted: pd.DataFrame | None = None) -> list[str]:
    """The name of the person behind each identity, or the reason why there is none."""
    result = resolve(seen(*found), people, accepted)
    assert not result.problems
    names = dict(zip(result.people["person"], result.people["name"]))
    return [names[result.codes[one]] if result.codes[one] else result.why[one][1] for one in found]


TEAM = roster(
    {
        "person": "Nora Whitfield", "email": "nora@x.example", "salesforce_user_id": "0055g00000NoraAAAX",
        "pipedrive_user": "N. W.", "linkedin_url": "https://www.linkedin.com/in/nora-w/",
        "aliases": "Nora Miller; nw@x.example",
    },
    {"person": "Łukasz Żółć", "email": "lz@x.example", "salesnav_seat_id": "31002", "nick": "Lucky"},
    {"person": "สมชาย ใจดี", "email": "somchai@x.example", "zoho_owner_id": "zcrm_5120001"},
    {"person": "Martin Thomas", "email": "mt@x.example"},
    {"person": "Thomas Martin", "email": "tm@x.example"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("pieces", "person"),
    [
        ({"salesforce_user_id": "0055g00000NoraA"}, "Nora Whitfield"),
        ({"salesforce_user_id": "0055g00000NoraAAAX", "name": "Somebody Else"}, "Nora Whitfield"),
        ({"zoho_owner_id": "5120001"}, "สมชาย ใจดี"),
        ({"salesnav_seat_id": "31002"}, "Łukasz Żółć"),
        ({"email": "NORA@X.example "}, "Nora Whitfield"),
        ({"email": "nw@x.example"}, "Nora Whitfield"),
        ({"url": "http://linkedin.com/in/Nora-W?trk=x"}, "Nora Whitfield"),
        ({"name": "nora  WHITFIELD"}, "Nora Whitfield"),
        ({"name": "Whitfield, Nora"}, "Nora Whitfield"),
        ({"name": "Whitfield Nora"}, "Nora Whitfield"),
        ({"name": "Dr. Nora Whitfield, MBA"}, "Nora Whitfield"),
        ({"name": "Nora Whitfield (Leeds)"}, "Nora Whitfield"),
        ({"name": "Nora Miller"}, "Nora Whitfield"),
        ({"pipedrive_user": "N. W.", "name": "N. W."}, "Nora Whitfield"),
        ({"name": "Lukasz Zolc"}, "Łukasz Żółć"),
        ({"name": "Lucky"}, "Łukasz Żółć"),
        ({"any": "lz@x.example"}, "Łukasz Żółć"),
        ({"any": "31002"}, "Łukasz Żółć"),
        ({"name": "Martin Thomas"}, "Martin Thomas"),
        ({"name": "Thomas Martin"}, "Thomas Martin"),
        ({"name": "Martin, Thomas"}, "Thomas Martin"),
    ],
)
def test_people_csv_finds_people(pieces, person):
    """Ids of 15 and 18 characters, addresses, names folded and turned round, aliases, extra columns."""
    assert matched(TEAM, who(**pieces)) == [person]


@pytest.mark.parametrize(
    ("pieces", "reason"),
    [
        ({}, NO_OWNER),
        ({"name": "Integration User"}, TECHNICAL),
        ({"name": "Automated Process"}, TECHNICAL),
        ({"name": "SYSTEM ADMINISTRATOR"}, TECHNICAL),
        ({"name": "Nora Whitfeld"}, UNKNOWN),
        ({"name": "Nora"}, UNKNOWN),
        ({"email": "other@x.example"}, UNKNOWN),
        ({"name": "Nora Whitfield", "salesforce_user_id": "0055g00000OtherAAX"}, OTHER_ID),
        ({"name": "Nora Whitfield", "email": "nora.w@other.example"}, OTHER_ID),
    ],
)
def test_nobody_is_matched_on_a_guess(pieces, reason):
    """Near spellings, first names and names with another id stay unmatched, each with its reason."""
    assert matched(TEAM, who(**pieces)) == [reason]


def test_namesakes_in_people_csv_need_an_id():
    """Two people of one name: the name alone matches nobody, an address or id matches one."""
    people = roster(
        {"person": "Anna Nowak", "email": "a1@x.example"}, {"person": "Anna Nowak", "email": "a2@x.example"}
    )
    result = resolve(seen(who(name="Anna Nowak"), who(name="Anna Nowak", email="a2@x.example")), people)
    assert [result.codes[who(name="Anna Nowak")], len(result.people)] == ["", 2]
    assert result.why[who(name="Anna Nowak")][1] == NAMESAKES
    assert result.codes[who(name="Anna Nowak", email="a2@x.example")] != ""


def test_shared_values_of_extra_columns_are_no_aliases():
    """A column "manager" holds the name of somebody else, a column "region" the same word for many."""
    people = roster(
        {"person": "Ann Lee", "manager": "Bo Ray", "region": "North"},
        {"person": "Bo Ray", "manager": "", "region": "North"},
        {"person": "Cid Fox", "manager": "Dan Oh", "region": "South"},
        {"person": "Eve Roe", "manager": "Dan Oh", "region": "West"},
    )
    found = [who(name=name) for name in ("Bo Ray", "North", "Dan Oh", "West")]
    assert matched(people, *found) == ["Bo Ray", UNKNOWN, UNKNOWN, "Eve Roe"]


def test_repeated_person_in_people_csv_is_a_problem():
    """The same name twice without anything that tells them apart; the same line twice is harmless."""
    same = [{"person": "Ann Lee", "team": "A"}, {"person": "Ann Lee", "team": "A"}]
    assert not resolve(seen(), roster(*same)).problems
    twice = resolve(seen(), roster({"person": "Ann Lee", "team": "A"}, {"person": "LEE, Ann", "team": "B"})).problems
    assert twice[0].found == 'row 3, "person" = LEE, Ann: stands in row 2 of people.csv too'


def test_id_of_two_people_is_a_problem():
    """An address that two people share cannot tell them apart."""
    problems = resolve(
        seen(), roster({"person": "A B", "email": "x@x.example"}, {"person": "C D", "email": "X@x.example"})
    )
    assert problems.problems[0].found == "email x@x.example belongs to A B and to C D"


# --------------------------------------------------------------------------- without people.csv


def test_equal_names_are_one_person_in_all_systems():
    """Casing, accents and "Last, First" do not make two people; the commonest spelling is shown."""
    found = [who(name="Zoë Ray", email="zoe@x.example"), who(any="RAY, Zoe"), who(name="Zoë Ray", salesnav_seat_id="7")]
    assert matched(None, *found) == ["Zoë Ray"] * 3


def test_people_are_joined_by_ids_and_addresses():
    """A shared address joins two spellings of a name."""
    found = [
        who(name="Tom O.", email="tom@x.example"),
        who(name="Tom Okafor", email="TOM@x.example"),
        who(name="Tom Okafor"),
    ]
    assert len(set(matched(None, *found))) == 1


def test_namesakes_with_different_ids_are_kept_apart():
    """Without people.csv two ids under one name are listed as unmatched, never merged."""
    found = [
        who(name="Anna Nowak", salesforce_user_id="005A"),
        who(name="Anna Nowak", salesforce_user_id="005B"),
        who(name="Nowak, Anna"),
    ]
    assert matched(None, *found) == [NAMESAKES] * 3


def test_bare_ids_need_people_csv():
    """A seat id alone names nobody; an address does."""
    assert matched(None, who(salesnav_seat_id="31001")) == ["no people.csv says who this is"]
    assert matched(None, who(email="ann@x.example")) == ["ann@x.example"]


def test_technical_owners_are_no_people():
    """Nobody is called Integration User."""
    result = resolve(seen(who(name="Integration User"), who(name="Ann Lee")))
    assert result.people["name"].tolist() == ["Ann Lee"]
    assert result.left_out == {who(name="Integration User")}


# --------------------------------------------------------------------------- names of files


@pytest.mark.parametrize(
    ("label", "person"),
    [
        ("ssi nora whitfield/ssi", "Nora Whitfield"),
        ("whitfield nora export/team a", "Nora Whitfield"),
        ("Shares/linkedin archive nora", "Nora Whitfield"),
        ("ssi lukasz zolc", "Łukasz Żółć"),
        ("ssi history/ssi", "the file does not say whose it is"),
        ("ssi peter pan", UNKNOWN),
        ("martin thomas", NAMESAKES),
    ],
)
def test_person_of_a_file_name(label, person):
    """A whole name in the words of the file or its folder; with people.csv one word that only one person has."""
    assert matched(TEAM, f"label={label}") == [person]


def test_first_name_in_a_file_name_is_noted():
    """That the only Nora was meant is said; it is no match without people.csv."""
    found = "label=linkedin content nora"
    assert any("the only person of this name is Nora Whitfield" in note for note in resolve(seen(found), TEAM).notes)
    assert matched(None, found, who(name="Nora Whitfield"))[0] == "Nora"


def test_two_people_of_a_first_name_are_not_guessed():
    """A first name that two people have matches nobody."""
    people = roster({"person": "Nora Whitfield"}, {"person": "Nora Berg"})
    assert matched(people, "label=archive nora") == [UNKNOWN]


def test_label_without_people_csv_becomes_a_person():
    """What is left of a name without the words of formats is the person, the folder if the file says nothing."""
    found = ["label=ssi History tom okafor/exports", "label=ssi history/ines duarte"]
    assert matched(None, *found) == ["Tom Okafor", "Ines Duarte"]


# --------------------------------------------------------------------------- codes and proposals


def test_codes_say_nothing_of_names():
    """Codes are consecutive, do not follow the alphabet, and stay when people are listed in another order."""
    people = [{"person": f"{letter}nna Person{letter}"} for letter in "ABCDEFGHIJKLMNOP"]
    codes = resolve(seen(), roster(*people)).people.set_index("name")["person"]
    assert sorted(codes) == [f"P{at:03d}" for at in range(1, 17)]
    assert codes.loc[[person["person"] for person in people]].tolist() != sorted(codes)
    again = resolve(seen(), roster(*reversed(people))).people.set_index("name")["person"]
    assert again.to_dict() == codes.to_dict()


def test_proposals_are_made_not_taken():
    """Near names are proposed with their similarity; nothing is merged."""
    found = [who(name="Nora Whitfeld"), who(name="Tom O."), who(name="Quentin Zz")]
    result = resolve(seen(*found), roster({"person": "Nora Whitfield"}, {"person": "Tom Okafor"}))
    rows = result.proposals.set_index("received")
    assert rows.loc["Nora Whitfeld", "person"] == "Nora Whitfield"
    assert rows.loc["Nora Whitfeld", "similarity"] >= 90
    assert rows.loc["Tom O.", "person"] == "Tom Okafor"
    assert rows.loc["Quentin Zz", "person"] == ""
    assert set(rows["accept"]) == {""}
    assert set(result.codes.values()) == {""}


def test_proposals_without_people_csv_join_the_sides():
    """Two spellings, one with scores and one with deals, are proposed as one person."""
    both = pd.concat([seen(who(any="Tom O."), table="crm_events"), seen(who(any="Tom Okafor"), table="ssi")])
    result = resolve(both)
    assert len(result.people) == 2
    assert sorted(result.proposals[["received", "person"]].to_numpy().tolist()[0]) == ["Tom O.", "Tom Okafor"]


def test_accepted_proposal_is_a_fact():
    """A name the user said yes to is matched, with and without people.csv."""
    accepted = pd.DataFrame({"received": ["tom o."], "person": ["Tom Okafor"]})
    people = roster({"person": "Tom Okafor"})
    assert matched(people, who(name="Tom O."), accepted=accepted) == ["Tom Okafor"]
    assert set(matched(None, who(name="Tom O."), who(name="Tom Okafor"), accepted=accepted)) == {"Tom Okafor"}


# --------------------------------------------------------------------------- identities


def test_identities_are_joined_row_by_row():
    """Pieces of several columns become one string a row; blank ones are left out."""
    made = identities(name=pd.Series(["Ann", "", "Bo"]), email=pd.Series(["", "", "b@x.example"]), hubspot_owner="x")
    assert [split_identity(one) for one in made] == [
        {"name": "Ann", "hubspot_owner": "x"}, {"hubspot_owner": "x"},
        {"name": "Bo", "email": "b@x.example", "hubspot_owner": "x"},
    ]  # fmt: skip
    assert identities(name=pd.Series([""])).tolist() == [""]


def test_received_name_is_what_the_file_wrote():
    """The name before the address before the id before the file's own words."""
    assert as_received(who(name="Ann", email="a@x.example")) == "Ann"
    assert as_received(who(email="a@x.example", salesnav_seat_id="1")) == "a@x.example"
    assert as_received("label=ssi history/x") == "ssi history"


def test_folding_of_names_and_keys():
    """Titles, apostrophes and hyphens, and the several forms of profile addresses and record ids."""
    assert name_tokens("O'Brien, Anne-Marie") == name_tokens("anne marie OBrien") == ("anne", "marie", "obrien")
    assert name_tokens("Dr") == ("dr",)
    assert url_key("https://pl.linkedin.com/in/%C5%82ukasz-z/") == url_key("linkedin.com/in/łukasz-z")
    assert id_key("salesforce_user_id", "0055g00000NoraAAAX") == "0055g00000NoraA"
