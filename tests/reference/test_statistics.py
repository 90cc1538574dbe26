# SPDX-License-Identifier: BSD-3-Clause
"""Protects: intervals, tests and the nested interval against scipy, statsmodels and twins written from the papers.

Bounds: 1e-9 relative for quantiles (root finding on both sides), 1e-10 absolute elsewhere. Faults that were planted and
seen: n for n - 1 in DeLong's sums, the cross term of clustered DeLong without its factor 2, Holm without the running
maximum, resamples that draw rows instead of patients."""
import ctypes as C
import json
import math
import os
import subprocess

import h5py
import medprobe_lib
import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

BUILD = os.environ.get("BUILD", "build/release")
LIB = medprobe_lib.lib()
PROGRAM = os.path.join(BUILD, "bin/medprobe")


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("message", C.c_char * 1024)]


class Interval(C.Structure):
    _fields_ = [(n, C.c_double) for n in ("estimate", "variance", "low", "high")]


class Test(C.Structure):
    __test__ = False  # no pytest class
    _fields_ = [(n, C.c_double) for n in ("difference", "low", "high", "p")]


class Auc(C.Structure):
    _fields_ = [("value", C.c_double), ("n1", C.c_size_t), ("n0", C.c_size_t)]


class Nested(C.Structure):
    _fields_ = [(n, C.c_double) for n in ("draws", "draws_df", "patients", "patients_df")]


for name in ("mdp_normal_quantile", "mdp_normal_two_sided", "mdp_t_quantile", "mdp_t_two_sided", "mdp_beta_quantile",
             "mdp_binomial_cdf", "mdp_delong_variance"):
    getattr(LIB, name).restype = C.c_double
for name in ("mdp_interval_wilson", "mdp_interval_clopper_pearson", "mdp_interval_normal",
             "mdp_interval_nested"):
    getattr(LIB, name).restype = Interval
for name in ("mdp_mcnemar_exact", "mdp_z_test", "mdp_nested_t_test"):
    getattr(LIB, name).restype = Test


def d(x):
    return C.c_double(x)


def close(a, b, bound):
    assert abs(a - b) <= bound * max(1.0, abs(b)), (a, b)


def test_distributions():
    rng = np.random.default_rng(1)
    for p in np.concatenate([rng.uniform(0, 1, 200), [1e-12, 0.025, 0.975, 1 - 1e-9]]):
        close(LIB.mdp_normal_quantile(d(p)), stats.norm.ppf(p), 1e-9)
        df = float(rng.choice([0.5, 1, 2.3, 9, 41.7, 1e4]))
        close(LIB.mdp_t_quantile(d(p), d(df)), stats.t.ppf(p, df), 1e-9)
        close(LIB.mdp_t_two_sided(d(3 * p), d(df)), 2 * stats.t.sf(3 * p, df), 1e-12)
        a, b = float(rng.integers(1, 50)), float(rng.integers(1, 50))
        close(LIB.mdp_beta_quantile(d(p), d(a), d(b)), stats.beta.ppf(p, a, b), 1e-9)
        n = int(rng.integers(1, 300))
        k = int(rng.integers(0, n + 1))
        close(LIB.mdp_binomial_cdf(d(k), d(n), d(0.5)), stats.binom.cdf(k, n, 0.5), 1e-12)


@pytest.mark.parametrize("ours, theirs", [("mdp_interval_wilson", "wilson"), ("mdp_interval_clopper_pearson", "beta")])
def test_intervals_of_rates(ours, theirs):
    for n in list(range(1, 25)) + [100, 997]:
        for k in sorted({0, 1, n // 3, n // 2, n - 1, n}):
            for level in (0.8, 0.95, 0.99):
                got = getattr(LIB, ours)(C.c_size_t(k), C.c_size_t(n), d(level))
                low, high = proportion_confint(k, n, 1 - level, method=theirs)
                close(got.low, max(low, 0), 1e-10)
                close(got.high, min(high, 1), 1e-10)
                assert got.low <= got.estimate <= got.high


def test_mcnemar():
    for a in range(0, 25):
        for b in range(0, 25):
            t = LIB.mdp_mcnemar_exact(C.c_size_t(a), C.c_size_t(b), C.c_size_t(100), d(0.95))
            want = stats.binomtest(a, a + b, 0.5).pvalue if a + b else 1.0
            close(t.p, want, 1e-12)
            close(t.difference, (a - b) / 100, 1e-15)
            assert t.low <= t.difference <= t.high
            assert (t.low > 0 or t.high < 0) == (t.p < 0.05), (a, b)


def test_holm():
    rng = np.random.default_rng(2)
    for n in list(range(1, 12)) * 5:
        p = rng.choice([0.0, 0.01, 0.02, 0.04, 0.5, 1.0, rng.random()], n)
        out, err = np.zeros(n), Error()
        assert LIB.mdp_holm(C.c_void_p(p.ctypes.data), C.c_size_t(n), C.c_void_p(out.ctypes.data), C.byref(err)) == 0
        assert np.allclose(out, multipletests(p, method="holm")[1], atol=1e-15)
    p = np.array([0.01, math.nan, 0.02])
    out = np.zeros(3)
    LIB.mdp_holm(C.c_void_p(p.ctypes.data), C.c_size_t(3), C.c_void_p(out.ctypes.data), C.byref(Error()))
    assert out[0] == 0.02 and math.isnan(out[1]) and out[2] == 0.02


def test_nested():
    rng = np.random.default_rng(3)
    for _ in range(200):
        n = int(rng.integers(2, 12))
        v = rng.normal(0.5, 0.05, n)
        a, b, g = v.var(ddof=1) / n, float(rng.uniform(1e-6, 1e-2)), int(rng.integers(3, 500))
        parts = Nested(a, n - 1, b, g - 1)
        df = (a + b) ** 2 / (a ** 2 / (n - 1) + b ** 2 / (g - 1))
        got = LIB.mdp_interval_nested(d(v.mean()), C.byref(parts), d(0.95), d(-9), d(9))
        close(got.high - got.low, 2 * stats.t.ppf(0.975, df) * math.sqrt(a + b), 1e-9)
        t = LIB.mdp_nested_t_test(d(0.1), C.byref(parts), d(0.95), d(1))
        close(t.p, 2 * stats.t.sf(0.1 / math.sqrt(a + b), df), 1e-10)
    none = Nested(0, 6, 0, 10)
    assert LIB.mdp_nested_t_test(d(0), C.byref(none), d(0.95), d(1)).p == 1
    assert LIB.mdp_nested_t_test(d(0.1), C.byref(none), d(0.95), d(1)).p == 0
    assert LIB.mdp_z_test(d(0), d(0), d(0.95)).p == 1 and LIB.mdp_z_test(d(1e-3), d(0), d(0.95)).p == 0


# --- DeLong ---------------------------------------------------------------------------------------------------------------


def kernel(s, y):
    """psi[i, j] of positive i and negative j"""
    x, z = s[y == 1][:, None], s[y == 0][None, :]
    return (x > z) + 0.5 * (x == z)


def twin_covariance(scores, y, clusters):
    """2x2 covariance of the AUCs of two scores, DeLong and Obuchowski, from the definitions."""
    psi = [kernel(s, y) for s in scores]
    theta = np.array([k.mean() for k in psi])
    v10 = np.array([k.mean(1) for k in psi])
    v01 = np.array([k.mean(0) for k in psi])
    m, n = v10.shape[1], v01.shape[1]
    delong = np.cov(v10).reshape(len(psi), -1) / m + np.cov(v01).reshape(len(psi), -1) / n
    ids = np.unique(clusters)
    a = np.array([(v10[:, clusters[y == 1] == c] - theta[:, None]).sum(1) for c in ids])
    b = np.array([(v01[:, clusters[y == 0] == c] - theta[:, None]).sum(1) for c in ids])
    i10, i01, i = len(np.unique(clusters[y == 1])), len(np.unique(clusters[y == 0])), len(ids)
    s10 = i10 / ((i10 - 1) * m) * a.T @ a if i10 > 1 else np.full((2, 2), np.nan)
    s01 = i01 / ((i01 - 1) * n) * b.T @ b if i01 > 1 else np.full((2, 2), np.nan)
    s11 = i / (i - 1) * a.T @ b if i > 1 else np.full((2, 2), np.nan)
    return theta, delong, s10 / m + s01 / n + (s11 + s11.T) / (m * n)


def placements(s, y):
    s, y = np.ascontiguousarray(s, np.float64), np.ascontiguousarray(y, np.uint8)
    auc, out = Auc(), np.zeros(len(s))
    assert LIB.mdp_auc_placements(C.c_void_p(s.ctypes.data), C.c_void_p(y.ctypes.data), C.c_size_t(len(s)),
                                  C.byref(auc), C.c_void_p(out.ctypes.data), C.byref(Error())) == 0
    return auc, out


def variances(auc, place, y, clusters):
    y, c = np.ascontiguousarray(y, np.uint8), np.ascontiguousarray(clusters, np.uint32)
    v = C.c_double()
    plain = LIB.mdp_delong_variance(C.byref(auc), C.c_void_p(place.ctypes.data), C.c_void_p(y.ctypes.data),
                                    C.c_size_t(len(y)))
    LIB.mdp_delong_clustered_variance(C.byref(auc), C.c_void_p(place.ctypes.data), C.c_void_p(y.ctypes.data),
                                      C.c_void_p(c.ctypes.data), C.c_size_t(len(y)), C.c_size_t(int(c.max()) + 1),
                                      C.byref(v), C.byref(Error()))
    return plain, v.value


def test_delong():
    rng = np.random.default_rng(4)
    for case in range(600):
        n = int(rng.integers(4, 60))
        y = np.append([1, 1, 0, 0], rng.integers(0, 2, n - 4))
        s = np.round(rng.normal(size=(2, n)) + y, int(rng.integers(0, 3)))
        clusters = rng.integers(0, int(rng.integers(2, n + 1)), n)
        theta, delong, clustered = twin_covariance(s, y, clusters)
        (auc, a), (other, b) = placements(s[0], y), placements(s[1], y)
        close(auc.value, theta[0], 1e-14)
        close(auc.value, roc_auc_score(y, s[0]), 1e-12)
        plain, by_cluster = variances(auc, a, y, clusters)
        close(plain, delong[0, 0], 1e-12)
        assert math.isnan(by_cluster) == math.isnan(clustered[0, 0])
        if not math.isnan(by_cluster):
            close(by_cluster, clustered[0, 0], 1e-12)
        own = variances(auc, a, y, np.arange(n))
        close(own[0], own[1], 1e-13)
        difference = Auc(auc.value - other.value, auc.n1, auc.n0)
        plain, by_cluster = variances(difference, np.ascontiguousarray(a - b), y, clusters)
        close(plain, delong[0, 0] + delong[1, 1] - 2 * delong[0, 1], 1e-12)
        if not math.isnan(by_cluster):
            close(by_cluster, clustered[0, 0] + clustered[1, 1] - 2 * clustered[0, 1], 1e-12)


def test_delong_has_the_size_it_says():
    """Over 2,000 samples the mean variance is the variance of the AUC (5 % is four times the sampling error)."""
    rng = np.random.default_rng(5)
    aucs, variance = [], []
    for _ in range(2000):
        y = np.repeat([1, 0], [40, 60])
        auc, a = placements(rng.normal(size=100) + y, y)
        aucs.append(auc.value)
        variance.append(variances(auc, a, y, np.arange(100))[0])
    assert abs(np.mean(variance) / np.var(aucs) - 1) < 0.13


def test_undefined():
    auc, a = placements(np.array([1.0, 2.0]), np.array([1, 1]))
    assert math.isnan(auc.value)
    auc, a = placements(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 1]))
    assert auc.value == 1 and all(math.isnan(v) for v in variances(auc, a, np.array([0, 1, 1]), np.arange(3)))


# --- the nested interval, resample by resample ---------------------------------------------------------------------------


def philox(counter, key):
    c, k = [int(x) for x in counter], list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ c[3] ^ k[1], p0 & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def resample(r, g):
    """Counts of g patients in resample r of seed 0."""
    counts, words, block = np.zeros(g, int), [], 0
    drawn = 0
    while drawn < g:
        if not words:
            words, block = philox((block, 0, r, 1), (0, 0)), block + 1
        x = words.pop(0)
        if not words:
            words, block = philox((block, 0, r, 1), (0, 0)), block + 1
        x |= words.pop(0) << 32
        if x >= 2 ** 64 % g:
            counts[x % g] += 1
            drawn += 1
    return counts


def write_run(folder, labels, patients, predictions):
    n = len(labels)
    text = h5py.string_dtype()
    with h5py.File(folder / "store.h5", "w") as f:
        f.attrs["schema"] = "medprobe.store/1"
        f["embeddings"] = np.tile(np.float32([1, 0]), (n, 1))
        f.create_dataset("ids", data=[f"i{i}" for i in range(n)], dtype=text)
        f.create_dataset("patient_ids", data=[f"p{p}" for p in patients], dtype=text)
        f["labels"] = np.int32(labels)
        f["labels"].attrs.create("class_names", ["neg", "pos"], dtype=text)
    with h5py.File(folder / "predictions.h5", "w") as f:
        for name, (rows, scores) in predictions.items():
            f[name + "/rows"] = np.int64(rows)
            f[name + "/scores"] = np.float64(scores)


def twin_interval(values, boot, g, least, most):
    """values [E]; boot [R, E]"""
    mean, e = values.mean(), len(values)
    a = values.var(ddof=1) / e if e > 1 else 0.0
    of_mean = boot.mean(1)
    b = of_mean[~np.isnan(of_mean)].var(ddof=1)
    down = (a * a / (e - 1) if e > 1 else 0) + b * b / (g - 1)
    df = (a + b) ** 2 / down
    half = stats.t.ppf(0.975, df) * math.sqrt(a + b)
    p = 2 * stats.t.sf(abs(mean) / math.sqrt(a + b), df)
    return mean, max(least, mean - half), min(most, mean + half), p


def test_nested_interval_of_a_run(tmp_path):
    rng = np.random.default_rng(6)
    n, g = 36, 14
    labels, patients = rng.integers(0, 2, n), np.concatenate([np.arange(g), rng.integers(0, g, n - g)])
    p = {"zero-shot/k0/s0": rng.uniform(0, 1, n)}
    for s in (1, 2, 3):
        p[f"logreg/k4/s{s}"] = np.clip(rng.normal(0.3 + 0.4 * labels, 0.3), 0, 1)
    rows = {name: np.arange(n) if name.startswith("zero") or int(name[-1]) < 3 else np.arange(0, n, 2) for name in p}
    write_run(tmp_path, labels, patients, {k: (rows[k], np.stack([1 - v, v], 1)[rows[k]]) for k, v in p.items()})
    out = subprocess.run([PROGRAM, "eval", "--predictions", tmp_path / "predictions.h5", tmp_path / "store.h5", "--json"],
                         capture_output=True, check=True, text=True)
    got = json.loads(out.stdout)
    weights = np.array([resample(r, g) for r in range(1000)])
    _, number = np.unique(patients, return_index=True)
    rank = {patients[i]: k for k, i in enumerate(sorted(number))}  # patients are numbered in the order of rows
    place = np.array([rank[q] for q in patients])

    def metrics(name, w, at):
        y, s = np.repeat(labels[at], w[place[at]]), np.repeat(p[name][at], w[place[at]])
        auc = kernel(s, y).mean() if 0 < y.sum() < len(y) else math.nan
        return (y == (s > 1 - s)).mean() if len(y) else math.nan, auc

    ones = np.ones(g, int)
    episodes = [k for k in p if k.startswith("logreg")]
    for m, metric in enumerate(("accuracy", "auc:pos")):
        def series(names, at=None):
            r = [rows[k] if at is None else rows[a] for k, a in zip(names, at or names)]
            return (np.array([metrics(k, ones, x)[m] for k, x in zip(names, r)]),
                    np.array([[metrics(k, w, x)[m] for k, x in zip(names, r)] for w in weights]))

        fewest = min(len(set(patients[rows[k]])) for k in episodes)
        fitted, zero, same = series(episodes), series(["zero-shot/k0/s0"]), series(["zero-shot/k0/s0"] * 3, episodes)
        for method, (v, b) in (("logreg", fitted), ("zero-shot", zero)):
            x = next(r for r in got["results"] if r["method"] == method and r["metric"] == metric)
            mean, low, high, _ = twin_interval(v, b, fewest if method == "logreg" else g, 0, 1)
            close(x["mean"], mean, 1e-12)
            close(x["ci_low"], low, 1e-9)
            close(x["ci_high"], high, 1e-9)
            if method == "logreg":
                close(x["std"], v.std(ddof=1), 1e-12)
        c = next(c for c in got["comparisons"] if c["metric"] == metric)
        mean, low, high, pvalue = twin_interval(fitted[0] - same[0], fitted[1] - same[1], fewest, -1, 1)
        close(c["difference"], mean, 1e-12)
        close(c["ci_low"], low, 1e-9)
        close(c["ci_high"], high, 1e-9)
        close(c["p"], pvalue, 1e-9)
        assert c["p_adjusted"] == c["p"] and c["test"] == "nested-t"


def test_bootstrap_variance_of_a_rate(tmp_path):
    """Rows that are their own patients: the bootstrap gives p (1 - p) / n, but for its own error (1,000 resamples: 4.5 %)."""
    rng = np.random.default_rng(7)
    n = 400
    labels = rng.integers(0, 2, n)
    s = np.where(rng.random(n) < 0.8, labels, 1 - labels) * 0.8 + 0.1
    write_run(tmp_path, labels, np.arange(n), {"zero-shot/k0/s0": (np.arange(n), np.stack([1 - s, s], 1))})
    out = subprocess.run([PROGRAM, "eval", "--predictions", tmp_path / "predictions.h5", tmp_path / "store.h5", "--json"],
                         capture_output=True, check=True, text=True)
    x = next(r for r in json.loads(out.stdout)["results"] if r["metric"] == "accuracy")
    half, rate = (x["ci_high"] - x["ci_low"]) / 2, x["mean"]
    se = half / stats.t.ppf(0.975, n - 1)
    assert abs(se / math.sqrt(rate * (1 - rate) / n) - 1) < 0.1
