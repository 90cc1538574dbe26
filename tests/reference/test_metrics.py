# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the values of metrics, against scikit-learn, and against small twins where it has none.

Bound: 1e-12 absolute (and relative for log_loss, which has no upper end); both sides add some hundred doubles in
different orders. Faults that were planted and seen: ties counted as 0 instead of 1/2 (auc), the last of equal largest
scores predicted (accuracy), bins closed on the left (ece_15), smaller parts first (ece_15_mass), `>` for `>=` in the
specificity (sensitivity@)."""
import ctypes as C
import math
import os
import warnings

import medprobe_lib
import numpy as np
import pytest
from sklearn import metrics as sk

LIB = medprobe_lib.lib()


class Error(C.Structure):
    _fields_ = [("status", C.c_int), ("message", C.c_char * 1024)]


class Metric(C.Structure):
    _fields_ = [("kind", C.c_void_p), ("name", C.c_char_p), ("parameter", C.c_double), ("class_index", C.c_size_t)]


class MetricList(C.Structure):
    _fields_ = [("n", C.c_size_t), ("at", C.POINTER(Metric))]


class Rows(C.Structure):
    _fields_ = [("n", C.c_size_t), ("k", C.c_size_t), ("n_patients", C.c_size_t), ("scores", C.c_void_p),
                ("labels", C.c_void_p), ("patients", C.c_void_p), ("numbers", C.c_void_p)]


class Text(C.Structure):
    _fields_ = [("at", C.c_char_p), ("n", C.c_size_t), ("capacity", C.c_size_t), ("failed", C.c_bool)]


LIB.mdp_pool_new.restype = C.c_void_p
LIB.mdp_pool_free.argtypes = [C.c_void_p]
LIB.mdp_sorted_scores_free.argtypes = [C.c_void_p]
LIB.mdp_metric_work_free.argtypes = [C.c_void_p]
LIB.mdp_metrics_weighted.restype = None
LIB.mdp_metric_reason.restype = None
LANES = 8


def names_of(k):
    return [f"class {c}" for c in range(k)]


class Scored:
    """Scores and labels inside the library; `of()` gives {name: value}."""

    def __init__(self, scores, labels, patients=None, numbers=None):
        self.err, st = Error(), C.c_int(0)
        self.n, self.k = scores.shape
        self.scores = np.ascontiguousarray(scores, np.float64)
        self.labels = np.ascontiguousarray(labels, np.int32)
        self.patients = np.ascontiguousarray(np.arange(self.n) if patients is None else patients, np.uint32)
        self.numbers = np.ascontiguousarray(np.arange(self.n) if numbers is None else numbers, np.int64)
        self.pool = LIB.mdp_pool_new(C.byref(self.err), C.byref(st))
        self.names = (C.c_char_p * self.k)(*[s.encode() for s in names_of(self.k)])
        self.list = MetricList()
        assert LIB.mdp_metric_list_of_run(self.names, C.c_size_t(self.k), C.c_bool(True), C.c_void_p(self.pool),
                                      C.byref(self.list), C.byref(self.err)) == 0
        self.g = int(self.patients.max()) + 1
        self.rows = Rows(self.n, self.k, self.g, self.scores.ctypes.data, self.labels.ctypes.data,
                         self.patients.ctypes.data, self.numbers.ctypes.data)
        self.scored = C.c_void_p()
        self.status = LIB.mdp_sorted_scores_new(C.byref(self.rows), C.byref(self.scored), C.byref(self.err))

    def metric_names(self):
        return [self.list.at[i].name.decode() for i in range(self.list.n)]

    def of(self):
        out = np.zeros(self.list.n)
        st = LIB.mdp_metrics_of(self.scored, C.byref(self.list), C.c_void_p(out.ctypes.data), C.byref(self.err))
        assert st == 0, self.err.message
        return dict(zip(self.metric_names(), out))

    def weighted(self, weights):
        """weights [G, 8] -> list of 8 dicts"""
        work = C.c_void_p()
        assert LIB.mdp_metric_work_new(C.c_size_t(self.k), C.byref(work), C.byref(self.err)) == 0
        weights = np.ascontiguousarray(weights, np.float64)
        out = np.zeros((self.list.n, LANES))
        LIB.mdp_metrics_weighted(self.scored, C.byref(self.list), C.c_void_p(weights.ctypes.data), work,
                                 C.c_void_p(out.ctypes.data))
        LIB.mdp_metric_work_free(work)
        return [dict(zip(self.metric_names(), out[:, l])) for l in range(LANES)]

    def reason(self, name):
        text = Text()
        i = self.metric_names().index(name)
        LIB.mdp_metric_reason(C.byref(self.list.at[i]), self.scored, self.names, C.byref(text))
        return text.at.decode()

    def __del__(self):
        LIB.mdp_sorted_scores_free(self.scored)
        LIB.mdp_pool_free(self.pool)


# --- twins ------------------------------------------------------------------------------------------------------------


def twin_auc(pos, neg):
    d = pos[:, None] - neg[None, :]
    return ((d > 0).sum() + 0.5 * (d == 0).sum()) / d.size


def twin_ece(conf, right):
    total = 0.0
    for i in range(15):
        m = (conf > i / 15) & (conf <= (i + 1) / 15)
        if m.any():
            total += m.mean() * abs(right[m].mean() - conf[m].mean())
    return total


def twin_ece_mass(conf, right, numbers):
    order = np.lexsort((numbers, conf))
    return sum(len(p) / len(conf) * abs(right[p].mean() - conf[p].mean())
               for p in np.array_split(order, 15) if len(p))


def twin_sensitivity(score, y, specificity):
    p, n = y.sum(), (1 - y).sum()
    best = 0.0
    for t in np.append(np.unique(score), np.inf):
        if ((score < t) & (y == 0)).sum() / n >= specificity:
            best = max(best, ((score >= t) & (y == 1)).sum() / p)
    return best


def twin_pauc(score, y, most):
    fpr, tpr, _ = sk.roc_curve(y, score, drop_intermediate=False)
    stop = np.searchsorted(fpr, most, "right")
    xs = np.append(fpr[:stop], most)
    ys = np.append(tpr[:stop], np.interp(most, fpr, tpr))
    return np.trapezoid(ys, xs)


def expected(scores, labels, numbers):
    n, k = scores.shape
    e = {}
    pred = scores.argmax(1)
    present = np.bincount(labels, minlength=k)
    every = (present > 0).all()
    cm = sk.confusion_matrix(labels, pred, labels=range(k))
    e["accuracy"] = sk.accuracy_score(labels, pred)
    e["balanced_accuracy"] = sk.balanced_accuracy_score(labels, pred) if every else math.nan
    e["macro_f1"] = sk.f1_score(labels, pred, labels=range(k), average="macro", zero_division=0) if every else math.nan
    spread = len(set(labels)) > 1 and len(set(pred)) > 1
    e["mcc"] = sk.matthews_corrcoef(labels, pred) if spread else math.nan
    one = len(set(labels) | set(pred)) == 1
    e["kappa"] = math.nan if one else sk.cohen_kappa_score(labels, pred, labels=range(k))
    prob = bool(((scores >= 0) & (scores <= 1)).all() and (abs(scores.sum(1) - 1) <= 1e-6).all())
    for c in range(k == 2, k):
        y = (labels == c).astype(int)
        both = 0 < y.sum() < n
        s = scores[:, c]
        name = names_of(k)[c]
        e["auc:" + name] = sk.roc_auc_score(y, s) if both else math.nan
        e["auprc:" + name] = sk.average_precision_score(y, s) if y.sum() else math.nan
        e["sensitivity@specificity=0.90:" + name] = twin_sensitivity(s, y, 0.90) if both else math.nan
        e["pauc@fpr=0.10:" + name] = twin_pauc(s, y, 0.10) if both else math.nan
        e["pauc_std@fpr=0.10:" + name] = sk.roc_auc_score(y, s, max_fpr=0.10) if both else math.nan
    if k == 2:
        e["auc_ovr_macro"] = e["auc_ovo_macro"] = e["auc:class 1"]
    elif every:
        e["auc_ovr_macro"] = np.mean([e["auc:" + c] for c in names_of(k)])
        e["auc_ovo_macro"] = np.mean([(twin_auc(scores[labels == a, a], scores[labels == b, a]) +
                                       twin_auc(scores[labels == b, b], scores[labels == a, b])) / 2
                                      for a in range(k) for b in range(a)])
        if prob:
            assert abs(sk.roc_auc_score(labels, scores, multi_class="ovr") - e["auc_ovr_macro"]) < 1e-12
            assert abs(sk.roc_auc_score(labels, scores, multi_class="ovo") - e["auc_ovo_macro"]) < 1e-12
    else:
        e["auc_ovr_macro"] = e["auc_ovo_macro"] = math.nan
    conf, right = scores.max(1), (pred == labels).astype(float)
    e["log_loss"] = sk.log_loss(labels, scores, labels=range(k)) if prob else math.nan
    e["ece_15"] = twin_ece(conf, right) if prob else math.nan
    e["ece_15_mass"] = twin_ece_mass(conf, right, numbers) if prob else math.nan
    onehot = np.eye(k)[labels]
    e["brier"] = math.nan if not prob else (np.mean((scores[:, 1] - labels) ** 2) if k == 2
                                            else ((scores - onehot) ** 2).sum(1).mean())
    return e, cm


def random_case(rng):
    k = int(rng.integers(2, 7))
    n = int(rng.integers(1, 60))
    kind = rng.integers(0, 4)
    if kind == 0:  # probabilities
        scores = rng.dirichlet(np.full(k, rng.choice([0.1, 1.0, 5.0])), n)
    elif kind == 1:  # probabilities with many ties, on bin edges, zeros and ones among them
        steps = rng.integers(0, 4, (n, k)) + (np.arange(k) == 0)
        scores = steps / steps.sum(1, keepdims=True)
    elif kind == 2:  # any numbers, with ties
        scores = np.round(rng.normal(size=(n, k)), int(rng.integers(0, 3)))
    else:  # k/15 exactly: the edges of the bins
        a = rng.integers(0, 16, n) / 15
        scores = np.zeros((n, k))
        scores[:, 0], scores[:, 1] = a, 1 - a
    present = rng.permutation(k)[:int(rng.integers(1, k + 1))] if rng.random() < 0.3 else np.arange(k)
    labels = rng.choice(present, n)
    if rng.random() < 0.5:  # better than chance
        labels = np.where(rng.random(n) < 0.5, np.where(np.isin(scores.argmax(1), present), scores.argmax(1), labels),
                          labels)
    return scores, labels.astype(int)


def check(name, got, want, where):
    if math.isnan(want):
        assert math.isnan(got), (name, got, want, where)
    else:
        bound = 1e-12 * max(1.0, abs(want))
        assert abs(got - want) <= bound, (name, got, want, where)


def test_equal_to_sklearn_and_twins():
    rng = np.random.default_rng(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for case in range(int(os.environ.get("MEDPROBE_CASES", "400"))):
            scores, labels = random_case(rng)
            numbers = rng.permutation(len(labels))
            s = Scored(scores, labels, numbers=numbers)
            assert s.status == 0, s.err.message
            got = s.of()
            want, _ = expected(scores, labels, numbers)
            assert set(got) == set(want)
            for name in want:
                check(name, got[name], want[name], case)
                if math.isnan(got[name]):
                    assert len(s.reason(name)) > 20, name


def test_confusion():
    rng = np.random.default_rng(2)
    for _ in range(100):
        scores, labels = random_case(rng)
        s = Scored(scores, labels)
        got = np.zeros((s.k, s.k), np.uint64)
        LIB.mdp_sorted_scores_confusion(s.scored, C.c_void_p(got.ctypes.data))
        assert (got == sk.confusion_matrix(labels, scores.argmax(1), labels=range(s.k))).all()


def test_weights_are_repeated_rows():
    """A resample that is a vector of counts equals the same metrics on copied rows."""
    rng = np.random.default_rng(3)
    for case in range(150):
        scores, labels = random_case(rng)
        g = int(rng.integers(1, len(labels) + 1))
        patients = np.concatenate([np.arange(g), rng.integers(0, g, len(labels) - g)])
        weights = np.array([np.bincount(rng.integers(0, g, g), minlength=g) for _ in range(LANES)]).T
        s = Scored(scores, labels, patients)
        for l, got in enumerate(s.weighted(weights)):
            rows = np.repeat(np.arange(len(labels)), weights[patients, l])
            want = Scored(scores[rows], labels[rows], numbers=rows).of()
            for name in want:
                check(name, got[name], want[name], (case, l))


def test_invariance():
    """Ranking metrics do not see order of rows or monotone maps; AUC(-s) = 1 - AUC(s)."""
    rng = np.random.default_rng(4)
    for _ in range(200):
        n = int(rng.integers(4, 50))
        s = np.round(rng.normal(size=n), 1)
        y = np.append([0, 1], rng.integers(0, 2, n - 2))

        def of(x, labels):
            return Scored(np.stack([-x, x], 1), labels).of()

        a, p = of(s, y), rng.permutation(n)
        b = of(s[p], y[p])
        for name in ("auc:class 1", "auprc:class 1", "sensitivity@specificity=0.90:class 1", "pauc@fpr=0.10:class 1"):
            assert a[name] == b[name]
            assert a[name] == of(np.exp(s), y)[name]
        assert abs(a["auc:class 1"] + of(-s, y)["auc:class 1"] - 1) < 1e-15


def test_the_reasons_name_what_is_missing():
    s = Scored(np.array([[0.2, 0.3, 0.5], [0.6, 0.2, 0.2]]), np.array([0, 2]))
    assert "class 1" in s.reason("balanced_accuracy")
    assert "class 1" in s.reason("auc:class 1")
    s = Scored(np.array([[0.2, 0.3], [0.6, 0.4]]), np.array([0, 1]), numbers=[7, 8])
    assert "row 7" in s.reason("brier")


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_scores_that_are_not_finite_are_refused(bad):
    s = Scored(np.array([[0.5, 0.5], [0.5, bad]]), np.array([0, 1]), numbers=[4, 9])
    assert s.status != 0 and s.err.message == b"row 9: score of class 1 is not a finite number"


def test_log_loss_clips_like_sklearn():
    scores, labels = np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5 + 5e-7]]), np.array([0, 0, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = sk.log_loss(labels, scores)
    assert abs(Scored(scores, labels).of()["log_loss"] - want) < 1e-12 * want
