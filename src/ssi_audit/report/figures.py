"""All pictures of ux.md section 4, in one place to import from.

Each returns a `Figure`: a title that states the finding, a description for
those who cannot see it, the picture itself, and the table of its numbers.
"""

from ssi_audit.report.charts import plot_choices, plot_funnel, plot_gaps, plot_lags, plot_scatter, plot_weeks
from ssi_audit.report.dots import plot_effects, plot_fading, plot_forest, plot_link_lines, plot_links, plot_ratios
from ssi_audit.report.event_chart import plot_path
from ssi_audit.report.picture import Figure

__all__ = [
    "Figure",
    "plot_choices",
    "plot_effects",
    "plot_fading",
    "plot_forest",
    "plot_funnel",
    "plot_gaps",
    "plot_lags",
    "plot_link_lines",
    "plot_links",
    "plot_path",
    "plot_ratios",
    "plot_scatter",
    "plot_weeks",
]
