"""Dates of formats that are written month first whatever the country of the account.

LinkedIn writes ``12/14/23, 12:13 PM`` for members everywhere. A user who says
``day_first = true`` says it of the files of his own office, not of these.
"""

from __future__ import annotations

from ssi_audit.exports.table import Context


def month_first(context: Context) -> Context:
    """The same context for a format that is known to be month first.

    An answer that names a file or a column holds; one for all files does not. Problems and notes go to the context
    that was given.
    """
    if not isinstance(context.settings.day_first, bool):
        return context
    settings = context.settings.model_copy(update={"day_first": None})
    return Context(settings, context.problems, context.notes)
