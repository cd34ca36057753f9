"""The files of a LinkedIn archive ("Get a copy of your data"): names, columns, what each counts as.

Names and columns are English whatever the language of the account. Since 2026
some names carry the member's number (``Comments_34875879.csv``); copies carry
the browser's (``Connections (1).csv``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from ssi_audit.exports.text import fold


@dataclass(frozen=True)
class Layout:
    """One file that holds actions.

    Attributes
    ----------
    name : str
        As LinkedIn calls it, folded, without the member's number.
    metric : str
        What a row counts as; "" where the row itself says.
    time : tuple of str
        Names of the column with the day, in the order of the years.
    needed : frozenset of str
        Folded columns by which the file is known.
    others : frozenset of str, optional
        All other columns it may have; None for any. Files with few and plain columns are known by having no others.
    link : bool
        Rows begin with a time and an address: they can be found even where the quoting of the text is broken.
    """

    name: str
    metric: str
    time: tuple[str, ...]
    needed: frozenset[str]
    others: frozenset[str] | None = None
    link: bool = False

    def fits(self, words: frozenset[str]) -> bool:
        """Whether a header is that of this file."""
        return self.needed <= words and (self.others is None or words <= self.needed | self.others)


def _layout(
    name: str, metric: str, time: tuple[str, ...], needed: str, others: str | None = None, *, link: bool = False
) -> Layout:
    columns = None if others is None else frozenset(others.split())
    return Layout(name, metric, time, frozenset(needed.split()), columns, link)


_DATE = ("Date",)
CONNECTIONS = _layout("connections", "connections_added", ("Connected On",), "firstname lastname connectedon")
INVITATIONS = _layout("invitations", "", ("Sent At",), "from to sentat direction")
MESSAGES = _layout("messages", "", _DATE, "from to date content folder")
LAYOUTS = (
    CONNECTIONS,
    INVITATIONS,
    MESSAGES,
    _layout("shares", "posts", _DATE, "date sharelink", link=True),
    _layout("shares", "posts", _DATE, "date type visibility", link=True),  # 2018
    _layout("comments", "comments", _DATE, "date link message", "", link=True),
    _layout("reactions", "reactions", _DATE, "date type link", ""),
    _layout("instantreposts", "reposts", _DATE, "date link", ""),
    _layout("searchqueries", "searches", ("Time", "Date"), "searchquery"),
    # A vote in a poll is one click on somebody's post, as a reaction is; no metric of its own counts it.
    _layout("votes", "reactions", _DATE, "date link optiontext", ""),
    _layout("memberfollows", "follows", _DATE, "date status fullname", ""),
    _layout("companyfollows", "follows", ("Followed On",), "organization followedon", ""),
)
PROFILE = "profile"
PROFILE_WORDS = frozenset(("firstname", "lastname", "headline"))
PROFILE_SIGNS = frozenset(("maidenname", "geolocation", "twitterhandles", "instantmessengers"))

# Files without actions of the owner, or with none that a metric counts. Adverts, assistants' talk, the CV.
OTHER_FILES = frozenset(
    """
    adtargeting adsclicked lanadsengagement articles causesyoucareabout certifications contacts courses education
    emailaddresses endorsementgiveninfo endorsementreceivedinfo events guidemessages coachmessages hashtagfollows
    honors importedcontacts inferencesaboutyou interests jobapplicantsavedscreeningquestionresponses jobapplications
    jobseekerpreferences languages learning learningcoachmessages learningroleplaymessages logins notes organizations
    patents phonenumbers positions privateidentityasset profilesummary projects publications receipts receiptsv2
    recommendationsgiven recommendationsreceived recommendations registration reviews richmedia saveditems savedjobs
    savedjobalerts savedjobanswers securitychallenges skills testscores verifications volunteering
    volunteeringexperiences volunteerexperiences whatsappphonenumbers whoviewedprofile
    """.split()  # noqa: SIM905
)
# Folders that LinkedIn puts into an archive.
OTHER_FOLDERS = frozenset("jobs articles verifications servicesmarketplace media richmedia".split())  # noqa: SIM905

HEADER_WORDS = (
    "First Name", "Last Name", "URL", "Email Address", "Company", "Position", "Connected On", "From", "To", "Sent At",
    "Message", "Direction", "inviterProfileUrl", "inviteeProfileUrl", "CONVERSATION ID", "CONVERSATION TITLE",
    "SENDER PROFILE URL", "RECIPIENT PROFILE URLS", "SUBJECT", "CONTENT", "FOLDER", "ATTACHMENTS", "IS MESSAGE DRAFT",
    "IS CONVERSATION DRAFT", "Date", "ShareLink", "ShareCommentary", "SharedURL", "MediaURL", "Visibility", "Link",
    "Type", "Time", "Search Query", "OptionText", "Status", "FullName", "Organization", "Followed On", "Maiden Name",
    "Headline", "Geo Location", "Twitter Handles", "Instant Messengers",
)  # fmt: skip


def archive_name(base: str) -> str:
    """A file's name as LinkedIn gave it, folded: without extension, member's number and mark of a copy."""
    stem = PurePosixPath(base).stem
    stem = re.sub(r"(?:[ _-]+(?:\d+|\(\d+\)|copy|v\d))+$", "", stem.strip(), flags=re.IGNORECASE)
    return fold(stem)
