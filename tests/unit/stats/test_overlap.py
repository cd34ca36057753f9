"""Overlap of items, between persons and within."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from ssi_audit.errors import NotEnoughData
from ssi_audit.stats.overlap import intraclass, one_factor, overlap_between, overlap_within, scale_statistics, vif


def pillars(rng: np.random.Generator, people: int = 40, weeks: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Four items that share a trait between persons and nothing within."""
    trait = rng.normal(0, 3, (people, 1, 1))
    items = 12 + trait + rng.normal(0, 1, (people, weeks, 4))
    return items.reshape(-1, 4), np.repeat(np.arange(people), weeks)


def test_overlap_between_persons_is_not_overlap_within():
    """Items that share only a person trait overlap between persons and not within."""
    items, person = pillars(np.random.default_rng(1))
    across, inside = overlap_between(items, person), overlap_within(items, person)
    assert across.n == 40
    assert across.spearman[0, 1] > 0.9
    assert across.first_share > 0.9
    assert abs(inside.spearman[0, 1]) < 0.1
    assert inside.vif == pytest.approx(np.ones(4), abs=0.05)
    assert inside.n == 1200


def test_spearman_between_equals_scipy_on_person_means():
    """The rank correlations between persons are scipy's on the means."""
    items, person = pillars(np.random.default_rng(2), people=15, weeks=4)
    means = items.reshape(15, 4, 4).mean(axis=1)
    expected = scipy_stats.spearmanr(means).statistic
    assert overlap_between(items, person).spearman == pytest.approx(expected, rel=1e-12)


def test_rows_with_a_missing_pillar_are_left_out():
    """A row without one pillar adds nothing, in whatever order the rows come."""
    items, person = pillars(np.random.default_rng(3), people=8, weeks=5)
    more = np.vstack([[1.0, np.nan, 2.0, 3.0], items])
    found = overlap_within(more, np.append(3, person))
    assert found.n == 40
    assert found.vif == pytest.approx(overlap_within(items, person).vif, rel=1e-12)


def test_the_total_beside_its_pillars_is_infinitely_inflated():
    """A column that the others add up to has an infinite VIF."""
    items, _ = pillars(np.random.default_rng(4))
    assert np.isinf(vif(np.column_stack([items, items.sum(axis=1)]))).all()


def test_an_item_that_never_varies_is_named():
    """A pillar that stands still cannot overlap, and the message says which one it is."""
    items, person = pillars(np.random.default_rng(5))
    items[:, 2] = 25.0
    with pytest.raises(NotEnoughData, match="column 3 of 4 never varies"):
        overlap_within(items, person)


def test_too_few_persons_for_overlap():
    """Four persons make no correlation between persons."""
    items, person = pillars(np.random.default_rng(6), people=4)
    with pytest.raises(NotEnoughData, match="only 4 persons"):
        overlap_between(items, person)


def test_one_factor_recovers_the_loadings_of_a_known_model():
    """A correlation matrix that one factor made is fitted exactly."""
    loadings = np.array([0.9, 0.7, 0.5, 0.3])
    matrix = np.outer(loadings, loadings)
    np.fill_diagonal(matrix, 1.0)
    found = one_factor(matrix)
    assert found.loadings == pytest.approx(loadings, abs=1e-5)
    assert found.uniquenesses == pytest.approx(1 - loadings**2, abs=1e-5)
    assert found.omega == pytest.approx(2.4**2 / (2.4**2 + (1 - loadings**2).sum()), abs=1e-5)


def test_a_heywood_case_is_flagged():
    """Where an item would need less than no noise of its own, the flag is up."""
    matrix = np.array([[1.0, 0.85, 0.85], [0.85, 1.0, 0.6], [0.85, 0.6, 1.0]])
    found = one_factor(matrix)
    assert found.heywood
    assert found.uniquenesses.min() == pytest.approx(0.005, rel=1e-3)


def test_one_factor_refuses_a_sum_of_its_items():
    """Pillars and their total make a singular matrix, and the message says what to do."""
    items, _ = pillars(np.random.default_rng(7))
    with pytest.raises(ValueError, match="singular"):
        one_factor(np.corrcoef(np.column_stack([items, items.sum(axis=1)]), rowvar=False))


def test_two_items_are_too_few_for_a_factor():
    """Two items cannot tell loadings from noise."""
    with pytest.raises(ValueError, match="at least three"):
        one_factor(np.array([[1.0, 0.5], [0.5, 1.0]]))


def test_item_total_is_inflated_where_items_share_nothing():
    """Independent items correlate with their total (about 1/2 for four) and not with the rest."""
    items = np.random.default_rng(8).normal(size=(20_000, 4))
    found = scale_statistics(items)
    assert found.item_total == pytest.approx(np.full(4, 0.5), abs=0.03)
    assert found.item_rest == pytest.approx(np.zeros(4), abs=0.03)
    assert abs(found.alpha_raw) < 0.05


def test_raters_who_agree_exactly_have_icc_one():
    """With the same column twice every form is 1."""
    column = np.random.default_rng(9).normal(size=(10, 1))
    found = intraclass(np.hstack([column, column]))
    assert [found.icc1, found.icc2, found.icc3, found.icc1k, found.icc2k, found.icc3k] == pytest.approx([1.0] * 6)


def test_a_constant_shift_lowers_agreement_but_not_consistency():
    """A rater who adds 5 points costs ICC(2), not ICC(3)."""
    column = np.random.default_rng(10).normal(size=(30, 1))
    found = intraclass(np.hstack([column, column + 5]))
    assert found.icc3 == pytest.approx(1.0)
    assert found.icc2 < 0.2


def test_a_table_with_gaps_is_refused():
    """The ANOVA forms need every rating."""
    with pytest.raises(ValueError, match="gaps"):
        intraclass(np.array([[1.0, np.nan], [2.0, 3.0]]))


def test_vif_and_eigenvalues_are_those_of_the_correlation_matrix():
    """VIF is the diagonal of its inverse; eigenvalues fall, add up to k, and the first over k is the share."""
    items, person = pillars(np.random.default_rng(11), people=12, weeks=6)
    items[:, 1] += 0.5 * items[:, 0]
    found = overlap_within(items, person)
    centred = items - np.repeat(items.reshape(12, 6, 4).mean(axis=1), 6, axis=0)
    matrix = np.corrcoef(centred, rowvar=False)
    assert found.vif == pytest.approx(np.diag(np.linalg.inv(matrix)), rel=1e-9)
    assert found.eigenvalues == pytest.approx(np.sort(np.linalg.eigvalsh(matrix))[::-1], rel=1e-9)
    assert found.eigenvalues.sum() == pytest.approx(4)
    assert found.first_share == pytest.approx(found.eigenvalues.max() / 4)


def test_five_persons_and_three_rows_and_two_raters_are_enough():
    """The smallest tables that say anything are taken, the next smaller ones refused."""
    items, person = pillars(np.random.default_rng(12), people=5, weeks=3)
    assert overlap_between(items, person).n == 5
    assert scale_statistics(items[:3]).n == 3
    with pytest.raises(NotEnoughData, match="only 2 complete rows"):
        scale_statistics(np.vstack([items[:2], [np.nan, 1, 1, 1]]))
    assert intraclass([[1.0, 2.0], [3.0, 5.0]]).n == 2
    for table in ([[1.0, 2.0]], [[1.0], [2.0]]):
        with pytest.raises(NotEnoughData, match="at least two of each"):
            intraclass(table)
    assert one_factor(np.array([[1, 0.5, 0.5], [0.5, 1, 0.5], [0.5, 0.5, 1]])).loadings == pytest.approx([0.5**0.5] * 3)


def test_alpha_of_parallel_items_is_spearman_brown():
    """Items with one common correlation r: alpha is k r / (1 + (k - 1) r), raw and standardised alike."""
    rng = np.random.default_rng(13)
    shape = np.linalg.cholesky(np.full((4, 4), 0.3) + 0.7 * np.eye(4))
    noise = rng.normal(size=(50, 4))
    noise -= noise.mean(axis=0)
    exact = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise, rowvar=False))).T @ shape.T
    found = scale_statistics(exact)
    assert (found.alpha_raw, found.alpha_std) == pytest.approx((1.2 / 1.9, 1.2 / 1.9))
    # An item with its sum: (1 + 3r) / sqrt(4 (1 + 3r)); with the rest: 3r / sqrt(3 (1 + 2r)).
    assert found.item_total == pytest.approx(np.full(4, np.sqrt(1.9) / 2))
    assert found.item_rest == pytest.approx(np.full(4, 0.9 / np.sqrt(4.8)))


def test_only_the_scale_of_one_item_parts_raw_from_standardised_alpha():
    """Ten times one item changes the raw alpha and leaves the standardised one and the ranks alone."""
    items, person = pillars(np.random.default_rng(14), people=9, weeks=4)
    larger = items * [10, 1, 1, 1]
    one, other = scale_statistics(items), scale_statistics(larger)
    assert other.alpha_std == pytest.approx(one.alpha_std)
    assert other.alpha_raw < one.alpha_raw - 0.1
    assert overlap_between(larger, person).spearman == pytest.approx(overlap_between(items, person).spearman)
