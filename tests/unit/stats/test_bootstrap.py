"""Wild bootstrap and permutations: signs and histories belong to whole persons."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest

from ssi_audit import stats
from ssi_audit.errors import NotEnoughData
from ssi_audit.stats import bootstrap
from tests.unit.stats.panels import drifting, dummies, panel


@pytest.fixture(scope="module")
def rows():
    return panel(n_people=7)


@pytest.fixture(scope="module")
def scores(rows):
    return stats.wild_scores(rows.y, rows.X, rows.person, calendar=rows.quarter)


def restricted_wild_bootstrap(y, design, column, groups):
    """The textbook procedure: new outcomes from the restricted fit, a full refit and its clustered t for each sign."""
    others = np.delete(design, column, axis=1)
    fitted = others @ np.linalg.lstsq(others, y, rcond=None)[0]
    bread = np.linalg.inv(design.T @ design)
    people = np.unique(groups)

    def t(outcome):
        b = bread @ design.T @ outcome
        e = outcome - design @ b
        s = np.array([bread[column] @ design[groups == g].T @ e[groups == g] for g in people])
        return b[column] / np.sqrt(s @ s)

    signs = np.array(list(product([-1, 1], repeat=len(people))))
    line = np.searchsorted(people, groups)
    draws = np.array([t(fitted + v[line] * (y - fitted)) for v in signs])
    return t(y), (np.abs(draws) >= abs(t(y)) * (1 - 1e-9)).mean()


@pytest.mark.parametrize("absorb", [True, False])
def test_least_squares_equals_the_restricted_wild_cluster_bootstrap(rows, absorb):
    """For OLS the score bootstrap is the textbook bootstrap, sign vector by sign vector."""
    effects = dummies(rows.person) if absorb else np.ones((len(rows.y), 1))
    design = np.column_stack([rows.X, dummies(rows.quarter)[:, 1:], effects])
    t, p = restricted_wild_bootstrap(rows.y, design, 0, rows.person)
    ours = stats.score_wild_bootstrap(rows.y, rows.X, rows.person, calendar=rows.quarter, model="ols", absorb=absorb)
    assert ours.exhaustive and ours.n_draws == 2**7
    assert ours.t == pytest.approx(t, rel=1e-9)
    assert ours.p == p


def test_the_poisson_score_follows_its_formula(rows, scores):
    """The t of one sign vector equals the sums of methods.md section 4 written out with dense matrices."""
    fit = stats.fe_poisson(rows.y, rows.X[:, 1], rows.person, calendar=rows.quarter)
    codes, w, r = rows.person[fit.rows], fit.weight, fit.residual
    dense = np.column_stack([rows.X[fit.rows, 0], rows.X[fit.rows, 1], dummies(rows.quarter[fit.rows])[:, 1:]])
    for person in np.unique(codes):
        mine = codes == person
        dense[mine] -= np.average(dense[mine], axis=0, weights=w[mine])
    Z = dense[:, 1:]
    A = np.linalg.inv(Z.T @ (w[:, None] * Z))
    x = dense[:, 0] - Z @ A @ (Z.T @ (w * dense[:, 0]))
    v = np.array([1, -1, 1, 1, -1, -1, 1.0])
    by_person = [codes == person for person in fit.people]
    s = np.array([x[m] @ r[m] for m in by_person])
    J = np.array([w[m] @ x[m] ** 2 for m in by_person])
    P = np.array([(w[m] * x[m]) @ Z[m] for m in by_person])
    q = np.array([r[m] @ Z[m] for m in by_person])
    S = v @ s
    star = v * s - P @ (A @ (v @ q)) - J * S / J.sum()
    expected = S / np.sqrt(star @ star)
    flipped = replace(scores, score=scores.score * v, nuisance=scores.nuisance * v[:, None])
    # Turning the persons' sums is the same as turning their signs.
    assert stats.max_t_wild([flipped]).t[0] == pytest.approx(expected, rel=1e-7)


def test_random_signs_agree_with_all_signs(rows):
    """9,999 random vectors estimate the p of all 128 within four Monte Carlo errors."""
    exact = stats.score_wild_bootstrap(rows.y, rows.X, rows.person, column=1)
    drawn = stats.score_wild_bootstrap(rows.y, rows.X, rows.person, column=1, max_enumerated=3)
    assert not drawn.exhaustive and drawn.n_draws == 9999
    assert drawn.p == pytest.approx(exact.p, abs=4 * np.sqrt(exact.p * (1 - exact.p) / 9999) + 1e-4)
    assert drawn.p == (1 + drawn.n_extreme) / 10_000


def test_the_same_seed_gives_the_same_p_and_another_seed_another(rows):
    """Seeds are arguments, and they matter."""
    p = [
        stats.score_wild_bootstrap(rows.y, rows.X, rows.person, column=1, max_enumerated=0, seed=seed).n_extreme
        for seed in (1, 1, 2)
    ]
    assert p[0] == p[1] != p[2]


def test_the_data_and_their_mirror_always_count(rows):
    """With an overwhelming effect p is 2/2^G, never 0."""
    y = rows.X[:, 0] * 10 + 0.01 * rows.X[:, 1]
    ours = stats.score_wild_bootstrap(y, rows.X[:, :1], rows.person, model="ols")
    assert (ours.n_extreme, ours.p) == (2, 2 / 2**7)


@pytest.mark.parametrize("model", ["poisson", "ols"])
def test_testing_the_estimate_itself_gives_no_evidence(rows, model):
    """With the null at the estimate the score is 0."""
    fit = (stats.fe_poisson if model == "poisson" else stats.fe_ols)(rows.y, rows.X, rows.person)
    ours = stats.score_wild_bootstrap(rows.y, rows.X, rows.person, model=model, null=fit.coef[0])
    assert ours.t == pytest.approx(0, abs=1e-5)
    assert ours.p > 0.99


def test_a_row_without_the_tested_column_is_not_used(rows):
    """The restricted model has the rows of the full one."""
    X = rows.X.copy()
    X[::4, 0] = np.nan
    left = rows.take(np.flatnonzero(~np.isnan(X[:, 0])))
    assert stats.score_wild_bootstrap(rows.y, X, rows.person).t == pytest.approx(
        stats.score_wild_bootstrap(left.y, left.X, left.person).t, rel=1e-10
    )


def test_a_column_without_variation_cannot_be_tested(rows):
    """A person's constant has no score within persons."""
    with pytest.raises(NotEnoughData, match="does not vary on its own"):
        stats.score_wild_bootstrap(rows.y, np.column_stack([rows.person, rows.X]), rows.person)
    with pytest.raises(NotEnoughData, match="does not vary on its own"):
        stats.score_wild_bootstrap(rows.y, np.column_stack([rows.X @ [1, 2], rows.X]), rows.person)


def test_max_t_of_a_repeated_model_is_the_single_test(scores):
    """Persons turn their sign in all models at once: a copy and a mirror image add no chance of a large |t|."""
    mirror = replace(scores, score=-scores.score, cross=-scores.cross)
    single, family = stats.max_t_wild([scores]), stats.max_t_wild([scores, scores, mirror])
    assert family.p == single.p
    assert family.t == pytest.approx(single.t[0] * np.array([1, 1, -1]))


def test_max_t_is_not_smaller_than_any_single_p(rows):
    """Having looked at several models raises every p."""
    models = [stats.wild_scores(rows.y, rows.X, rows.person, column) for column in (0, 1)]
    alone = [stats.max_t_wild([one]).p for one in models]
    family = stats.max_t_wild(models)
    assert (family.p_adjusted >= alone).all()
    assert family.p == family.p_adjusted.min() == family.p_adjusted[np.argmax(np.abs(family.t))]


def test_max_t_matches_people_by_label(rows):
    """A person missing from one model still has one sign in the others."""
    left = rows.take(rows.person != 2)
    full = stats.wild_scores(rows.y, rows.X, rows.person)
    less = stats.wild_scores(left.y, left.X, left.person)
    family = stats.max_t_wild([full, less])
    assert family.n_clusters == 7 and family.n_draws == 2**7
    # The smaller model alone has half the sign vectors, and the same p.
    doubled = stats.max_t_wild([less, replace(full, score=full.score * 0)])
    assert doubled.p_adjusted[0] == stats.max_t_wild([less]).p


def test_permutation_of_four_people_is_exact():
    """All 24 orders are used, the data's own among them, and the statistic is the studentised sum."""
    rng = np.random.default_rng(4)
    R, X = rng.normal(size=(2, 4, 9))
    C = R @ X.T
    draws = []
    for order in permutations(range(4)):
        shares = C[np.arange(4), list(order)]
        draws.append(abs(shares.sum()) / np.sqrt(shares @ shares))
    ours = stats.person_permutation(R, X)
    assert ours.exhaustive and ours.n_draws == 24
    assert abs(ours.statistic) == pytest.approx(draws[0], rel=1e-12)
    assert ours.p == np.mean(np.array(draws) >= draws[0] * (1 - 1e-9))


def test_permuting_people_keeps_its_level_where_permuting_rows_does_not():
    """Independent drifting series: histories of persons are exchanged, so few false alarms; cells would give many."""
    rng = np.random.default_rng(8)
    by_person, by_cell = [], []
    for _ in range(150):
        R, X = (drifting(rng, 12, 52, 2).reshape(12, 52, 2)[:, :, k] for k in (0, 1))
        R, X = R - R.mean(axis=1, keepdims=True), X - X.mean(axis=1, keepdims=True)
        by_person.append(stats.person_permutation(R, X, n=199, seed=1).p)
        cells = [abs((R.ravel() * rng.permutation(X.ravel())).sum()) for _ in range(99)]
        by_cell.append((1 + np.sum(np.array(cells) >= abs((R * X).sum()))) / 100)
    assert np.mean(np.array(by_person) <= 0.05) < 0.10
    assert np.mean(np.array(by_cell) <= 0.05) > 0.20


def test_a_missing_cell_counts_as_zero():
    """NaN in either matrix adds nothing to any person's share."""
    rng = np.random.default_rng(2)
    R, X = rng.normal(size=(2, 9, 20))
    with_gap, with_zero = X.copy(), X.copy()
    with_gap[3, 5], with_zero[3, 5] = np.nan, 0.0
    ours, theirs = stats.person_permutation(R, with_gap), stats.person_permutation(R, with_zero)
    assert (ours.statistic, ours.p) == (theirs.statistic, theirs.p)


def test_permutation_finds_an_association():
    """Series that share a part are told from chance."""
    rng = np.random.default_rng(9)
    X = drifting(rng, 20, 52, 1).reshape(20, 52)
    X -= X.mean(axis=1, keepdims=True)
    ours = stats.person_permutation(X + rng.normal(size=X.shape), X)
    assert ours.statistic > 0
    assert ours.p == 1 / 2000


def test_few_licences_keep_their_level():
    """Two of 24 persons hold a licence: about 5 % false alarms, where CR1 gives many."""
    rng = np.random.default_rng(10)
    exchanged, sandwich = [], []
    person, week = np.repeat(np.arange(24), 26), np.tile(np.arange(26), 24)
    for _ in range(150):
        y = drifting(rng, 24, 26, 1).reshape(24, 26)
        licence = np.zeros((24, 26))
        for holder, start in zip(rng.permutation(24)[:2], rng.integers(5, 21, 2)):
            licence[holder, start:] = 1
        residual = y - y.mean(axis=1, keepdims=True) - y.mean(axis=0) + y.mean()
        exchanged.append(stats.trajectory_permutation(residual, licence, n=199, seed=3).p)
        sandwich.append(stats.cr1(stats.fe_ols(y.ravel(), licence.ravel(), person, week), 0).p)
    assert 0.005 < np.mean(np.array(exchanged) <= 0.05) < 0.10
    assert np.mean(np.array(sandwich) <= 0.05) > 0.15


def test_a_licence_that_never_changes_is_compared_between_people():
    """One column: the exact two-sample permutation test of person means."""
    y = np.array([5.0, 4.0, 0.1, 0.3, -0.2, 0.0])
    held = np.array([1.0, 1, 0, 0, 0, 0])
    ours = stats.trajectory_permutation((y - y.mean())[:, None], held[:, None])
    assert ours.exhaustive
    assert ours.p == pytest.approx(1 / 15)


def test_circular_shifts_match_rolled_series():
    """Every drawn statistic is that of series rolled by whole periods."""
    rng = np.random.default_rng(6)
    R, X = rng.normal(size=(2, 2, 4))
    possible = []
    for a, b in product(range(4), repeat=2):
        shares = np.array([R[0] @ np.roll(X[0], a), R[1] @ np.roll(X[1], b)])
        possible.append(shares.sum() / np.sqrt(shares @ shares))
    ours = stats.circular_shift(R, X, n=300)
    assert ours.statistic == pytest.approx(possible[0], rel=1e-9)
    distance = np.abs(ours.draws[:, None] - possible)
    assert distance.min(axis=1).max() < 1e-9
    assert (distance.min(axis=0) < 1e-9).all()


def test_circular_shifts_count_the_data_as_one_draw_and_follow_the_seed():
    """The p is (1 + draws as extreme)/(draws + 1), of five periods as of four, and the seed fixes the draws."""
    R, X = np.random.default_rng(8).normal(size=(2, 6, 5))
    ours, again, other = (stats.circular_shift(R, X, n=99, seed=seed) for seed in (1, 1, 2))
    extreme = int((np.abs(ours.draws) >= abs(ours.statistic) * (1 - 1e-9)).sum())
    assert ours.p == (1 + extreme) / 100
    assert (ours.n_draws, ours.exhaustive, ours.n_people) == (99, False, 6)
    assert np.array_equal(ours.draws, again.draws)
    assert not np.array_equal(ours.draws, other.draws)
    possible = {round(float(a), 9) for a in _all_shifts(R, X)}
    assert {round(float(a), 9) for a in ours.draws} <= possible


def _all_shifts(R: np.ndarray, X: np.ndarray) -> list[float]:
    by_person = [[r @ np.roll(x, shift) for shift in range(len(x))] for r, x in zip(R, X, strict=True)]
    return [sum(shares) / np.sqrt(sum(share**2 for share in shares)) for shares in product(*by_person)]


def test_long_values_become_a_matrix():
    """One line per person, one column per period, gaps as NaN, and a repeated cell is refused."""
    matrix, people, periods = stats.person_period_matrix([1, 2, 3], ["b", "a", "b"], [7, 7, 9])
    assert (list(people), list(periods)) == (["a", "b"], [7, 9])
    assert matrix[1].tolist() == [1, 3]
    assert matrix[0, 0] == 2 and np.isnan(matrix[0, 1])
    unknown = stats.person_period_matrix([1, 2, 9], np.array(["b", "a", None], object), [7, 9, 9])[0]
    assert np.nan_to_num(unknown).tolist() == [[0, 2], [1, 0]]
    with pytest.raises(ValueError, match="two values in one period"):
        stats.person_period_matrix([1, 2], ["a", "a"], [7, 7])


def test_matrices_must_match():
    """Residuals and exposure have the same persons and periods."""
    with pytest.raises(ValueError, match=r"residuals \(3, 4\) and exposure \(3, 5\)"):
        stats.person_permutation(np.ones((3, 4)), np.ones((3, 5)))
    with pytest.raises(NotEnoughData, match="no common period with variation"):
        stats.person_permutation(np.zeros((3, 4)), np.ones((3, 4)))


def many_scores(n_people):
    """Sums of a model with two other columns for many persons, some of them without any information."""
    rng = np.random.default_rng(12)
    bread = np.array([[0.02, 0.005], [0.005, 0.01]])
    return bootstrap.WildScores(
        np.arange(n_people), rng.normal(0.3, 1, n_people), rng.chisquare(3, n_people) * (rng.random(n_people) < 0.9),
        rng.normal(size=(n_people, 2)), rng.normal(size=(n_people, 2)), bread, 0.0,
    )  # fmt: skip


def test_few_and_many_people_turn_their_signs_alike():
    """A product per sign vector and a table of persons by persons are two ways to the same t."""
    many = many_scores(150)
    few = replace(many, **{name: getattr(many, name)[:100] for name in ("people", "score", "information", "cross")})
    few = replace(few, nuisance=many.nuisance[:100])
    signs = np.random.default_rng(13).choice([-1.0, 1.0], (20, 150))
    for scores in (few, many):
        v = signs[:, : len(scores.score)]
        S = v @ scores.score
        star = v * scores.score - (v @ scores.nuisance) @ scores.bread @ scores.cross.T
        star -= S[:, None] * scores.information / scores.information.sum()
        expected = S / np.sqrt((star**2).sum(axis=1))
        assert bootstrap._wild_t(scores, v) == pytest.approx(expected, rel=1e-9)


def test_batches_of_signs_do_not_change_the_p(rows, monkeypatch):
    """All 128 sign vectors are visited once, in one batch or in batches of five."""
    whole = stats.score_wild_bootstrap(rows.y, rows.X, rows.person, column=1)
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 5 * 7)
    visited = np.concatenate(list(bootstrap._signs(7, 2**7, True, 1)))
    assert len(visited) == len(np.unique(visited, axis=0)) == 2**7
    assert stats.score_wild_bootstrap(rows.y, rows.X, rows.person, column=1) == whole


def test_drawn_signs_never_give_a_p_of_zero():
    """The data count as one draw: with 14 persons who all agree, p of 99 random vectors is 1/100."""
    scores = replace(many_scores(14), score=np.full(14, 5.0), nuisance=np.zeros((14, 2)))
    found = stats.max_t_wild([scores], draws=99)
    assert (found.p, found.n_draws, found.exhaustive) == (0.01, 99, False)


def test_twelve_people_are_enumerated_and_thirteen_drawn():
    """All 4,096 sign vectors of 12 persons are fewer than the random draws, the 8,192 of 13 take too long."""
    found = [stats.max_t_wild([many_scores(n)]) for n in (12, 13)]
    assert [(one.n_draws, one.exhaustive) for one in found] == [(4096, True), (9999, False)]


def test_two_people_are_the_fewest_that_can_turn_signs():
    """One person's sign says nothing."""
    assert stats.max_t_wild([many_scores(2)]).n_draws == 4
    with pytest.raises(NotEnoughData, match="at least 2 people, got 1"):
        stats.max_t_wild([many_scores(1)])


def test_signs_of_people_depend_on_the_seed_alone():
    """The same persons get the same signs in every model of a report, whatever was asked before."""
    first = bootstrap._signs(20, 50, False, 7)[0].copy()
    bootstrap._signs(20, 50, False, 8)
    again = next(bootstrap._draw_signs(20, 50, False, 7))
    assert np.array_equal(first, again)
    assert set(np.unique(first)) == {-1.0, 1.0}
    assert abs(first.mean()) < 0.15


def test_a_value_without_a_period_is_left_out():
    """A row that belongs to no period has no place in the matrix."""
    matrix, _, periods = stats.person_period_matrix([1, 2, 3], ["a", "a", "b"], [7, np.nan, 7])
    assert matrix.tolist() == [[1], [3]]
    assert periods.tolist() == [7]


def test_one_common_period_is_enough_to_exchange_histories():
    """Periods in which either matrix is flat add nothing; only when no period is left there is no test."""
    rng = np.random.default_rng(14)
    R, X = rng.normal(size=(2, 5, 4))
    R[:, 0], X[:, 3] = 0.0, 0.0
    ours = stats.person_permutation(R, X)
    assert ours.p == stats.person_permutation(R[:, 1:3], X[:, 1:3]).p
    X[:, 1:3] = 0.0
    with pytest.raises(NotEnoughData, match="no common period"):
        stats.person_permutation(R, X)


def test_pairs_asked_for_equal_the_table_of_all_pairs(monkeypatch):
    """Thousands of persons are permuted pair by pair; the statistic is the same for the same order."""
    R, X = np.random.default_rng(15).normal(size=(2, 6, 8))
    orders = np.array([np.arange(6), [1, 0, 3, 2, 5, 4]])
    table = bootstrap._shares(R, X)(orders)
    monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", 35)
    assert bootstrap._shares(R, X)(orders) == pytest.approx(table)
    assert table[1] == pytest.approx([R[i] @ X[j] for i, j in enumerate(orders[1])])


def test_every_drawn_order_hands_each_history_to_one_person(monkeypatch):
    """Orders are permutations of the persons, in one batch or in several."""
    for elements in (1 << 22, 40):
        monkeypatch.setattr(bootstrap, "BLOCK_ELEMENTS", elements)
        orders = np.concatenate(list(bootstrap._orders(11, 30, False, 1)))
        assert orders.shape == (30, 11)
        assert (np.sort(orders, axis=1) == np.arange(11)).all()
        assert len(np.unique(orders, axis=0)) == 30
