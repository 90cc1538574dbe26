# SPDX-License-Identifier: BSD-3-Clause
"""Protects: logistic regression against scikit-learn at the same C, and against its own definition.

Bound: medprobe stops at a relative gradient of 1e-10, scikit-learn's newton-cholesky here at an absolute one of 1e-10
or less; the objective is 1-strongly convex in the coefficients, so both are far inside 1e-6 of the optimum. Fault once
planted and seen: penalising the intercept."""

import ctypes as ct
import os
import warnings

import medprobe_lib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

LIB = medprobe_lib.lib()
DOUBLES = ct.POINTER(ct.c_double)


class Span(ct.Structure):
    _fields_ = [("n", ct.c_size_t), ("d", ct.c_size_t), ("r", ct.c_size_t), ("z", DOUBLES), ("basis", DOUBLES)]


class Problem(ct.Structure):
    _fields_ = [("n", ct.c_size_t), ("q", ct.c_size_t), ("k", ct.c_size_t), ("x", DOUBLES), ("y", ct.c_void_p)]


class Report(ct.Structure):
    _fields_ = [("steps", ct.c_size_t), ("products", ct.c_size_t), ("gradient", ct.c_double)]


class Error(ct.Structure):
    _fields_ = [("status", ct.c_int), ("message", ct.c_char * 1024)]


def pointer(array):
    return array.ctypes.data_as(ct.c_void_p)


def fit(x, y, classes, c):
    """coef[m, D], intercept[m] and the report of medprobe's fit; m = 1 for two classes."""
    x, y = np.ascontiguousarray(x, np.float32), np.ascontiguousarray(y, np.int32)
    n, d = x.shape
    rows = 1 if classes == 2 else classes
    span, error, report = Span(), Error(), Report()
    assert LIB.mdp_span_init(pointer(x), ct.c_size_t(n), ct.c_size_t(d), ct.byref(span), ct.byref(error)) == 0, error.message
    w = np.zeros((rows, span.r + 1))
    problem = Problem(n, span.r + 1, classes, span.z, y.ctypes.data)
    status = LIB.mdp_logistic_fit(ct.byref(problem), ct.c_double(c), pointer(w), ct.byref(report), ct.byref(error))
    assert status == 0, error.message
    coef, intercept = np.zeros((rows, d)), np.zeros(rows)
    LIB.mdp_span_lift(ct.byref(span), pointer(w), ct.c_size_t(rows), pointer(coef), pointer(intercept))
    LIB.mdp_span_release(ct.byref(span))
    return coef, intercept, report


def reference(x, y, c):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10, max_iter=10000)
        model.fit(x.astype(np.float64), y)
    return model.coef_, model.intercept_


def gradient(x, y, classes, c, coef, intercept):
    """Of the objective, in extended precision, and the size it is measured by."""
    x = x.astype(np.longdouble)
    z = x @ coef.T.astype(np.longdouble) + intercept.astype(np.longdouble)
    if classes == 2:
        residual = (1 / (1 + np.exp(-z[:, 0])) - y)[:, None]
    else:
        p = np.exp(z - z.max(1, keepdims=True))
        residual = p / p.sum(1, keepdims=True)
        residual[np.arange(len(y)), y] -= 1
    by_coef, by_intercept = c * residual.T @ x + coef, c * residual.sum(0)
    norms = np.sqrt((x**2).sum(1) + 1)
    size = np.sqrt((coef**2).sum()) + c * (np.sqrt((residual**2).sum(1)) * norms).sum()
    return float(np.sqrt((by_coef**2).sum() + (by_intercept**2).sum()) / size)


def case(seed):
    """A random problem: separable or not, wide or tall, with repeated rows, constant features, rare classes."""
    rng = np.random.default_rng(seed)
    classes = int(rng.integers(2, 6))
    d = int(rng.choice([1, 2, 5, 20, 60]))
    n = int(rng.integers(classes, 90))
    weights = rng.dirichlet(np.full(classes, 2.0)) if seed % 3 == 0 else np.full(classes, 1 / classes)
    y = np.concatenate([np.arange(classes), rng.choice(classes, n - classes, p=weights)])
    x = rng.normal(size=(n, d)) + rng.normal(size=(classes, d))[y] * rng.choice([0.0, 0.5, 5.0])
    if seed % 4 == 1:
        x[n // 2 :] = x[: n - n // 2]  # repeated rows, with other labels too
    if seed % 5 == 2:
        x[:, 0] = 1.0  # a feature that never changes
    if seed % 2 == 0:
        x = x + rng.normal(size=d) * 3
        x = x / np.linalg.norm(x, axis=1, keepdims=True)  # as embeddings are
    c = float(10 ** rng.uniform(-3, 3)) if seed % 7 else float(rng.choice([1e-3, 1.0, 1e3]))
    return x.astype(np.float32), y, classes, c


@pytest.mark.parametrize("block", range(8))
def test_equals_scikit_learn(block):
    for seed in range(block * 50, block * 50 + 50):
        x, y, classes, c = case(seed)
        coef, intercept, report = fit(x, y, classes, c)
        ref_coef, ref_intercept = reference(x, y, c)
        ours = gradient(x, y, classes, c, coef, intercept)
        theirs = gradient(x, y, classes, c, ref_coef, ref_intercept)
        where = f"seed {seed}: n {x.shape[0]} D {x.shape[1]} K {classes} C {c:.3g}, gradients {ours:.2g} {theirs:.2g}"
        assert ours <= 1e-10, where
        if theirs > 1e-9:
            continue  # the reference did not converge; ours is checked by the gradient
        # Relative to the model: intercepts included, where all coefficients vanish.
        size = max(np.abs(ref_coef).max(), 1e-2 * np.abs(ref_intercept).max(), 1e-9)
        assert np.abs(coef - ref_coef).max() <= 1e-6 * size, where
        centre = ref_intercept - (ref_intercept.mean() if classes > 2 else 0)
        assert np.abs(intercept - centre).max() <= 1e-6 * max(np.abs(centre).max(), size), where


def test_reference_converges_in_most_cases():
    good = sum(gradient(*case(seed), *reference(case(seed)[0], case(seed)[1], case(seed)[3])) <= 1e-9 for seed in range(60))
    assert good >= 50


def few_shot(seed, shots, classes, d, separation):
    rng = np.random.default_rng(seed)
    y = np.arange(shots * classes) % classes
    x = rng.normal(size=d) * 3 + rng.normal(size=(classes, d))[y] * separation + rng.normal(size=(len(y), d))
    return (x / np.linalg.norm(x, axis=1, keepdims=True)).astype(np.float32), y


@pytest.mark.parametrize("classes", [2, 3, 5, 14])
@pytest.mark.parametrize("shots", [1, 4, 16])
def test_few_shots_reach_the_optimum(shots, classes):
    for c in np.logspace(-3, 3, 13):
        for separation in (0.1, 1.0):
            x, y = few_shot(7, shots, classes, 512, separation)
            coef, intercept, report = fit(x, y, classes, c)
            assert gradient(x, y, classes, c, coef, intercept) <= 1e-10
            if classes > 2:
                assert np.abs(coef.sum(0)).max() <= 1e-12 * max(1, np.abs(coef).max())
                assert abs(intercept.sum()) <= 1e-12 * max(1, np.abs(intercept).max())


def test_few_shots_equal_lbfgs():
    """The solver that most people run, driven to its end."""
    x, y = few_shot(3, 16, 5, 512, 0.5)
    coef, intercept, _ = fit(x, y, 5, 1.0)
    model = LogisticRegression(C=1.0, tol=1e-13, max_iter=100000).fit(x.astype(np.float64), y)
    assert np.abs(coef - model.coef_).max() <= 1e-6 * np.abs(model.coef_).max()
    assert np.abs(intercept - model.intercept_).max() <= 1e-6 * np.abs(model.coef_).max()


def test_many_rows():
    """More rows than features: no basis, and blocks of rows in the Hessian."""
    for classes in (2, 10):
        rng = np.random.default_rng(classes)
        y = rng.integers(0, classes, 20000)
        x = (rng.normal(size=(20000, 96)) + rng.normal(size=(classes, 96))[y] * 0.1).astype(np.float32)
        coef, intercept, report = fit(x, y, classes, 0.5)
        assert gradient(x, y, classes, 0.5, coef, intercept) <= 1e-10


def test_a_class_without_rows_is_an_error():
    x, y = np.eye(4, dtype=np.float32), np.array([0, 0, 2, 2], np.int32)
    span, error, report = Span(), Error(), Report()
    LIB.mdp_span_init(pointer(x), ct.c_size_t(4), ct.c_size_t(4), ct.byref(span), ct.byref(error))
    w = np.zeros((3, 5))
    problem = Problem(4, 5, 3, span.z, y.ctypes.data)
    assert LIB.mdp_logistic_fit(ct.byref(problem), ct.c_double(1), pointer(w), ct.byref(report), ct.byref(error)) != 0
    assert error.message == b"no row of class 1 of 3: there is no best fit"
    LIB.mdp_span_release(ct.byref(span))
