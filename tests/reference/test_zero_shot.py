# SPDX-License-Identifier: BSD-3-Clause
"""Protects: what `probe` writes, computed again from the store with NumPy and scikit-learn: zero-shot scores of every ensemble
rule, logreg's scores at the C it chose, and the C that the rules choose.

Bounds: scores 1e-12 for zero-shot (the same sums in another order), 1e-6 for logreg (both fits converged)."""

import os
import subprocess
import warnings

import h5py
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

BUILD = os.path.abspath(os.environ.get("BUILD", "build/release"))
NO_GNUPLOT = {**os.environ, "PATH": ""}  # figures take a second, and are not what is compared
GRID = np.logspace(-3, 3, 13)


def make(path, *options):
    subprocess.run([f"{BUILD}/tools/make_store", path, *options], check=True)


def probe(store, run, *options):
    subprocess.run([f"{BUILD}/bin/medprobe", "probe", store, "-q", "--resamples", "0", "-o", run, *options], check=True,
                   stdout=subprocess.DEVNULL, env=NO_GNUPLOT)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def logits(cosine, text, norms, ensemble, scale, bias):
    """One logit a picture: `cosine` maps texts [n, D] to [N, n]."""
    if ensemble in ("mean-embedding", "mean-raw"):
        text = unit((text * norms[:, None] if ensemble == "mean-raw" else text).mean(0, keepdims=True))
    each = scale * cosine(text) + bias
    return each.max(1) if ensemble == "max-logits" else each.mean(1)


@pytest.mark.parametrize("similarity", ["softmax", "sigmoid", "pairs", "max-query"])
@pytest.mark.parametrize("ensemble", ["mean-logits", "max-logits", "mean-embedding", "mean-raw"])
def test_zero_shot(ensemble, similarity, tmp_path):
    """A planted fault in each: another ensemble, the mean of a picture's vectors, negatives as positives are seen far outside."""
    store, run = tmp_path / "data.h5", tmp_path / "run"
    make(store, "classes=4", "text=5", "d=32", f"ensemble={ensemble}", f"similarity={similarity}")
    rng = np.random.default_rng(1)
    with h5py.File(store, "r+") as f:  # prompts in another order of classes, and a class that no label has
        names = [n for n in f["text"].attrs["class_names"]]
        order = [2, 0, 3, 1]
        f["text"].attrs["class_names"] = np.array([names[i] for i in order] + ["unused"], dtype=h5py.string_dtype())
        f["text/class_index"][:] = np.argsort(order)[f["text/class_index"][:]]
        x, text, index = f["embeddings"][:].astype(float), f["text/embeddings"][:].astype(float), f["text/class_index"][:]
        scale, labels = f.attrs["logit_scale"], [n for n in f["labels"].attrs["class_names"]]
        text_names, norms = [names[i] for i in order], rng.uniform(0.5, 8, len(text)).astype(np.float32)
        f["text/norms"][:] = norms
        f.attrs["logit_bias"] = bias = -1.5
        negative = rng.permutation(np.arange(len(index)) % 5 > 2)
        for c in range(4):
            negative[np.flatnonzero(index == c)[:2]] = [False, True]
        if similarity == "pairs":
            f["text/negative"] = negative.astype(np.uint8)
        queries = unit(x[:, None] + 0.5 * rng.standard_normal((len(x), 7, 32))).astype(np.float32)
        f["query_embeddings"] = queries
    probe(store, run, "--shots", "1", "--seeds", "1")
    if similarity == "max-query":
        def cosine(t):
            return np.einsum("nqd,pd->nqp", queries.astype(float), t).max(1)
    else:
        def cosine(t):
            return x @ t.T

    def stacked(of_class):
        which = [of_class & (index == text_names.index(name)) for name in labels]
        return np.stack([logits(cosine, text[w], norms[w].astype(float), ensemble, scale, bias) for w in which], 1)

    def scores_by():
        z = stacked(~negative if similarity == "pairs" else np.ones_like(negative))
        if similarity == "pairs":
            pos, neg = np.exp(z), np.exp(stacked(negative))
            return pos / (pos + neg)
        return 1 / (1 + np.exp(-z)) if similarity == "sigmoid" else softmax(z)

    expected = scores_by()
    used = ensemble
    ensemble = {"mean-logits": "max-logits", "max-logits": "mean-logits", "mean-embedding": "mean-raw",
                "mean-raw": "mean-embedding"}[used]
    wrong = [scores_by()]
    ensemble = used
    if similarity == "max-query":
        def cosine(t):
            return np.einsum("nqd,pd->nqp", queries.astype(float), t).mean(1)
        wrong.append(scores_by())
    if similarity == "pairs":
        negative = ~negative
        wrong.append(scores_by())
    with h5py.File(run / "predictions.h5") as f:
        rows, scores = f["zero-shot/k0/s0/rows"][:], f["zero-shot/k0/s0/scores"][:]
        assert scores.dtype == np.float64 and "C" not in f["zero-shot/k0/s0"].attrs
    assert np.abs(scores - expected[rows]).max() <= 1e-12
    assert all(np.abs(scores - w[rows]).max() > 1e-3 for w in wrong)


def refused(store, tmp_path):
    done = subprocess.run([f"{BUILD}/bin/medprobe", "probe", store, "-q", "-o", tmp_path / "refused"], capture_output=True, text=True)
    assert done.returncode != 0 and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def test_two_classes_are_each_others_pair(tmp_path):
    store, run = tmp_path / "data.h5", tmp_path / "run"
    make(store, "classes=2", "text=3", "d=16", "similarity=pairs", "ensemble=mean-raw")
    with h5py.File(store, "r+") as f:
        f.attrs["logit_scale"] = 1.0
        x, text, norms = f["embeddings"][:].astype(float), f["text/embeddings"][:].astype(float), f["text/norms"][:].astype(float)
        index = f["text/class_index"][:]
    probe(store, run, "--shots", "1", "--seeds", "1")
    z = np.stack([logits(lambda t: x @ t.T, text[index == c], norms[index == c], "mean-raw", 1, 0) for c in range(2)], 1)
    with h5py.File(run / "predictions.h5") as f:
        rows, scores = f["zero-shot/k0/s0/rows"][:], f["zero-shot/k0/s0/scores"][:]
    assert np.abs(scores - softmax(z)[rows]).max() <= 1e-12


def test_what_does_not_go_together(tmp_path):
    store = tmp_path / "data.h5"
    make(store, "classes=3", "text=2", "similarity=pairs")
    assert "only two classes are each other's absence, here are 3" in refused(store, tmp_path)
    with h5py.File(store, "r+") as f:
        f["text/negative"] = np.array([0, 1, 0, 1, 0, 0], np.uint8)
    assert "class 'effusion' has no prompts that say it is absent" in refused(store, tmp_path)
    with h5py.File(store, "r+") as f:
        f.attrs["similarity"] = "softmax"
    assert "belong to similarity pairs, not softmax" in refused(store, tmp_path)
    with h5py.File(store, "r+") as f:
        del f["text/negative"]
        f.attrs["similarity"] = "max-query"
    assert "similarity is max-query, but there are no /query_embeddings" in refused(store, tmp_path)
    with h5py.File(store, "r+") as f:
        f["query_embeddings"] = np.ones((len(f["ids"]), 2, 5), np.float32)
    assert "/query_embeddings has 2 vectors of 5 values a row, expected some of 16" in refused(store, tmp_path)
    with h5py.File(store, "r+") as f:
        del f["query_embeddings"]
        q = np.ones((len(f["ids"]), 2, 16), np.float32)
        q[-1, 1, 3] = np.nan
        f["query_embeddings"] = q
        f["splits"][-1] = "test"
    assert "/query_embeddings is not finite" in refused(store, tmp_path)


def folds(labels, patients, classes):
    number, fold_of = {}, {}
    counts = [0] * classes
    for label, patient in zip(labels, patients):
        if patient not in number:
            number[patient] = counts[label]
            counts[label] += 1
    n = min(5, *counts)
    return [number[p] % n for p in patients] if n >= 2 else None


def fitted(x, y, c):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return LogisticRegression(C=c, solver="newton-cholesky", tol=1e-10, max_iter=1000).fit(x, y)


def held_out_loss(train, held, x, y, c, classes):
    return log_loss(y[held], fitted(x[train], y[train], c).predict_proba(x[held]), labels=range(classes))


@pytest.mark.parametrize("rule", ["fixed", "support-cv", "val-shots", "oracle"])
@pytest.mark.parametrize("classes", [2, 3])
def test_logreg_and_its_rules(classes, rule, tmp_path):
    store, run = tmp_path / "data.h5", tmp_path / "run"
    make(store, f"classes={classes}", "d=24", "separation=0.4", "patients=40", "pictures=3")
    probe(store, run, "--shots", "2,6", "--seed", "2", "--method", "logreg", "--save-probes", "--c-rule", rule,
          *(["--c", "0.7"] if rule == "fixed" else []))
    with h5py.File(store) as f:
        x, y = f["embeddings"][:].astype(float), f["labels"][:]
        patients, splits = f["patient_ids"][:], f["splits"][:]
    with h5py.File(run / "draws.h5") as draws, h5py.File(run / "predictions.h5") as predictions, h5py.File(run / "probes.h5") as probes:
        for name in ("k2/s2", "k6/s2"):
            support, rows, scores = draws[name]["support"][:], predictions["logreg"][name]["rows"][:], predictions["logreg"][name]["scores"][:]
            c = predictions["logreg"][name].attrs["C"]
            if rule == "fixed":
                assert c == 0.7
            else:
                if rule == "support-cv":
                    fold = np.array(folds(y[support], patients[support], classes))
                    losses = [np.mean([held_out_loss(support[fold != k], support[fold == k], x, y, c_, classes)
                                       for k in range(fold.max() + 1)]) for c_ in GRID]
                else:
                    held = draws[name]["val"][:] if rule == "val-shots" else np.flatnonzero(splits == b"val")
                    losses = [held_out_loss(support, held, x, y, c_, classes) for c_ in GRID]
                assert c == pytest.approx(GRID[int(np.argmin(losses))], rel=1e-12), losses
            model = fitted(x[support], y[support], c)
            assert np.abs(scores - model.predict_proba(x[rows])).max() <= 1e-6
            assert np.abs(scores.sum(1) - 1).max() <= 1e-12
            saved = probes["logreg"][name]
            assert saved.attrs["C"] == c
            assert saved["coef"].shape == model.coef_.shape and saved["intercept"].shape == model.intercept_.shape
            assert np.abs(saved["coef"][:] - model.coef_).max() <= 1e-6 * np.abs(model.coef_).max()
            assert rows.tolist() == draws[name]["query"][:].tolist() == np.flatnonzero(splits == b"test").tolist()
