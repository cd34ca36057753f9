"""Statistics on arrays: table in, result out; no files, no drawing, no settings.

Names load when they are first used, so that `import ssi_audit.stats` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Public name → module of this folder that holds it. Modules are named so that no function shares a module's name.
_MODULE_OF = {
    "ModelFit": "working",
    "fe_ols": "fixed_effects",
    "fe_poisson": "fixed_effects",
    "pooled_ols": "fixed_effects",
    "pooled_poisson": "fixed_effects",
    "weighted_fit": "working",
    "Interval": "clusters",
    "cr1": "clusters",
    "cr2": "clusters",
    "cv3l": "clusters",
    "interval": "clusters",
    "jackknife_interval": "clusters",
    "leave_one_out": "clusters",
    "t_interval": "clusters",
    "MaxT": "bootstrap",
    "PermutationTest": "bootstrap",
    "WildScores": "bootstrap",
    "WildTest": "bootstrap",
    "circular_shift": "bootstrap",
    "max_t_wild": "bootstrap",
    "person_period_matrix": "bootstrap",
    "person_permutation": "bootstrap",
    "score_wild_bootstrap": "bootstrap",
    "trajectory_permutation": "bootstrap",
    "wild_scores": "bootstrap",
    "Equivalence": "inference",
    "TwoRates": "inference",
    "adjust": "inference",
    "benjamini_hochberg": "inference",
    "equivalence": "inference",
    "holm": "inference",
    "minimum_detectable_ratio": "inference",
    "needed_multiple": "inference",
    "paired_equivalence": "inference",
    "poisson_two_rates": "inference",
    "welch_equivalence": "inference",
    "Correlation": "correlation",
    "RepeatedMeasures": "correlation",
    "between_kendall": "correlation",
    "between_spearman": "correlation",
    "pooled_spearman": "correlation",
    "rmcorr": "correlation",
    "semipartial_correlation": "correlation",
    "simple_correlation": "correlation",
    "within_correlation": "correlation",
    "HeldOutR2": "skill",
    "ShapleyShare": "skill",
    "Skill": "skill",
    "held_out_skill": "skill",
    "shapley": "skill",
    "shapley_r2": "skill",
    "shapley_skill": "skill",
    "within_r2_lopo": "skill",
}
__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
