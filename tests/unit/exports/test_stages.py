"""Won, lost or open: the words of systems and organisations, and what is asked instead of guessed."""

from __future__ import annotations

import pytest

from ssi_audit.exports.stages import LOST, OPEN, UNKNOWN, WON, stage_meaning
from tests.unit.exports.crm_files import events, sheet_text
from tests.unit.exports.folders import complaint, reading


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("Closed Won", WON), ("closedwon", WON), ("CLOSED_WON", WON), ("Won 🎉", WON), ("6 - Won", WON),
        ("Gewonnen", WON), ("Cierre ganado", WON), ("Zamknięte - wygrane", WON), ("Chiusa vinta", WON),
        ("Voitettu kauppa", WON), ("Gagnée", WON), ("Ganho", WON), ("ชนะ", WON),
        ("Closed Lost", LOST), ("closedlost", LOST), ("Lost - won by competitor", LOST), ("Not won", LOST),
        ("Verloren", LOST), ("Perdido", LOST), ("Przegrana", LOST), ("Persa", LOST), ("Hävitty", LOST),
        ("Perdue", LOST), ("แพ้", LOST), ("No decision", LOST), ("Disqualified", LOST),
        ("Negotiation/Review", OPEN), ("Contract Sent", OPEN), ("contractsent", OPEN), ("Appointment Scheduled", OPEN),
        ("Id. Decision Makers", OPEN), ("Value Proposition", OPEN), ("Angebot", OPEN), ("Wysłana oferta", OPEN),
        ("Trattativa", OPEN), ("Tarjous", OPEN), ("Won't buy yet, follow up", OPEN),
        ("Closed", UNKNOWN), ("Signed", UNKNOWN), ("Contract signed, waiting", UNKNOWN), ("Zamknięte", UNKNOWN),
        ("Graveyard", UNKNOWN), ("🏆", UNKNOWN), ("Stage 7", UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_name_says_by_itself(name, meaning):
    """Ends and steps in eight languages; what could be either end, or nothing, is not known."""
    assert stage_meaning(name) == meaning


HEADER = ("Sales Rep", "Deal Name", "Stage", "Created", "Close Date")


def deals(*stages: str) -> dict[str, str]:
    """A file with a deal in each stage."""
    rows = [("Ada Berg", f"D{at}", stage, "2026-01-04", "2026-03-27") for at, stage in enumerate(stages)]
    return {"deals.csv": sheet_text(HEADER, *rows)}


def ends(read) -> list[str]:
    """Kinds of the events that closed a deal."""
    return [row[2] for row in events(read) if row[2] != "opportunity"]


def test_the_users_own_answer_comes_before_everything(tmp_path):
    """[stages] turns even "Closed Won" round, whatever case it is written in."""
    read = reading(tmp_path, deals("Closed Won", "Lost"), stages={"closed won": "lost", "LOST": "open"})
    assert ends(read) == ["deal_lost"]


def test_an_answer_about_a_status_counts_too(tmp_path):
    """A system's status of an unknown word is answered like a stage."""
    rows = [
        ("Ada Berg", "A", "Done", "2026-01-04", "2026-03-27"),
        ("Ada Berg", "B", "Dusty", "2026-01-04", "2026-03-26"),
    ]
    files = {"deals.csv": sheet_text(("Sales Rep", "Deal Name", "Deal Status", "Created", "Close Date"), *rows)}
    assert '"Done", "Dusty"' in complaint(tmp_path / "1", files)
    assert ends(reading(tmp_path / "2", files, stages={"done": "won", "dusty": "lost"})) == ["deal_lost", "deal_won"]


def test_only_stages_of_closed_looking_deals_are_asked_about(tmp_path):
    """An unknown stage matters only where a close date lies in the past of the file."""
    rows = [("Ada Berg", "A", "Graveyard", "2026-01-04", ""), ("Ada Berg", "B", "Limbo", "2026-01-05", "2027-03-27")]
    files = {"deals 2026-03-28.csv": sheet_text(HEADER, *rows)}
    assert [row[2] for row in events(reading(tmp_path, files))] == ["opportunity", "opportunity"]


def test_each_pipeline_needs_an_end_of_its_own(tmp_path):
    """A won stage in one pipeline says nothing of the stages of another."""
    header = (*HEADER, "Pipeline")
    rows = [
        ("Ada Berg", "A", "Closed Won", "2026-01-04", "2026-03-27", "New"),
        ("Ada Berg", "B", "Limbo", "2026-01-04", "2026-03-27", "New"),
        ("Ada Berg", "C", "Graveyard", "2026-01-04", "2026-03-27", "Old"),
    ]
    text = complaint(tmp_path, {"deals.csv": sheet_text(header, *rows)})
    assert 'Stages without a known meaning: "Graveyard"\n' in text


def test_a_probability_that_cannot_be_read_leaves_the_stage_to_be_asked_about(tmp_path):
    """The probability is not needed for anything else: it is no problem of its own."""
    header = (*HEADER, "Probability (%)")
    row = ("Ada Berg", "A", "Graveyard", "2026-01-04", "2026-03-27", "1.234,5 or 1,234.5")
    text = complaint(tmp_path, {"deals.csv": sheet_text(header, row)})
    assert 'Stages without a known meaning: "Graveyard"' in text
    assert "Probability" not in text


def test_ticked_boxes_in_the_languages_of_the_users(tmp_path):
    """Is Won as a checkbox of a spreadsheet; a blank one says nothing, and the stage is looked at."""
    ticks = ("1", "true", "WAHR", "Tak", "Sì", "x", "Kyllä", "oui")
    rows = [("Ada Berg", f"D{at}", "", "2026-01-04", "2026-03-27", tick) for at, tick in enumerate(ticks)]
    rows.append(("Ada Berg", "B", "Lost", "2026-01-04", "2026-03-27", ""))
    read = reading(tmp_path, {"deals.csv": sheet_text((*HEADER, "Is Won"), *rows)})
    assert ends(read) == ["deal_lost", *["deal_won"] * len(ticks)]


def test_many_unknown_stages_are_listed_up_to_a_dozen(tmp_path):
    """A message one can read, also for an export with a stage a deal."""
    text = complaint(tmp_path, deals(*(f"Limbo {letter}" for letter in "ABCDEFGHIJKLMNOP")))
    assert text.count('= "won"') == 12
