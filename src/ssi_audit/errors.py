"""The three ways a run can end badly, each with a message a user can act on.

`DataError` and `SettingsError` collect every problem before they are raised
(exit code 2). `NotEnoughData` is not a failure of the run: the part that
raised it becomes "can't tell", with the reason.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

# Characters that move the cursor, clear a terminal or turn the direction of writing: a file's name may hold them.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    r"""Text that a terminal shows and does not obey: a bell becomes ``\x07``."""
    return _UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, where it is, and what to do about it.

    Attributes
    ----------
    where : str
        File, relative to the data folder (or the settings file).
    found : str
        What was found, with row and column where there is one.
    fix : str
        What the user can do; empty when there is nothing to add.
    """

    where: str
    found: str
    fix: str = ""


class UserError(Exception):
    """Something the user can mend; carries all problems found at once.

    Parameters
    ----------
    problems : list of Problem or str
        At least one; a plain string is a problem without a place.
    """

    closing = "Nothing was run. Fix this and run the same command again."

    def __init__(self, problems: list[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = [Problem("", problems)]
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        super().__init__(self.text())

    def text(self) -> str:
        """All problems, grouped by file, as ux.md section 8 shows them."""
        lines: list[str] = []
        for where in dict.fromkeys(problem.where for problem in self.problems):
            here = [problem for problem in self.problems if problem.where == where]
            if where:
                lines.append(f"{visible(where)}: {len(here)} problem{'s' if len(here) > 1 else ''}")
            for problem in here:
                found = visible(problem.found)
                lines.append(f"  {found}" if where else found)
                if problem.fix:
                    lines.extend(f"    -> {visible(line)}" for line in problem.fix.split("\n"))
        return "\n".join([*lines, self.closing])


class DataError(UserError):
    """The user's files hold something that cannot be read without a decision."""


class SettingsError(UserError):
    """The settings file or a parameter has a name or a value that does not exist."""


class NotEnoughData(Exception):
    """A result cannot be computed from these data; the message says what is missing."""
