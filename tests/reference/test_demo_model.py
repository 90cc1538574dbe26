# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the demonstration model that comes with medprobe: found without --weights, the same embeddings as transformers, and
as good on phantoms it has never seen as demo/README.md says.

Bound 5e-6 as in test_extract.py. The bounds on AUC are wide around the published figures: they catch weights that do
not belong to the generator, the prompts or the pipeline, not a change in the last digit.
Faults seen by this test (planted): classes of the prompt set exchanged, AUC below a half; pictures clipped at 255
(--grey16 clip), 16-bit rows differ in the first digit.
"""
import csv
import subprocess

import h5py
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from medclip_models import MedClip
from medprobe_lib import BUILD, ROOT

BOUND = 5e-6
FOLDER = ROOT / "configs/models/demo-phantom"


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def held_out(tmp_path_factory):
    """The first 300 pictures' worth of patients of the seed that scripts/demo uses; the training set has another."""
    at = tmp_path_factory.mktemp("demo")
    run(BUILD / "tools/phantom", "--quiet", "--out", at, "--pictures", 300, "--patients", 300, "--size", "256-384", "--seed", 7,
        "--formats", "jpeg,png8,png16")
    run(BUILD / "bin/medprobe", "extract", "--model", "demo-phantom", "--manifest", at / "manifest.csv",
        "--prompts", "demo-phantom", "--quiet", "-o", at / "demo.h5")
    return at


def test_embeddings_are_those_of_transformers(held_out):
    reference = MedClip(ROOT / "configs/models/demo-phantom.yaml", FOLDER / "weights.safetensors", FOLDER / "vocab.txt")
    with h5py.File(held_out / "demo.h5") as f:
        paths = f["paths"].asstr()[:60]
        assert {p[-3:] for p in paths} == {"jpg", "png"}
        want = reference.pictures([held_out / p for p in paths])
        assert (want @ want.T)[np.triu_indices(60, 1)].mean() < 0.9, "embeddings too alike to tell anything"
        np.testing.assert_allclose(f["embeddings"][:60], want, rtol=0, atol=BOUND)
        prompts, index = f["text/prompts"].asstr()[:], f["text/class_index"][:]
        texts = np.concatenate([reference.prompts(list(prompts[index == c])) for c in sorted(set(index))])
        np.testing.assert_allclose(f["text/embeddings"], texts, rtol=0, atol=BOUND)
        assert abs(f.attrs["logit_scale"] / reference.scale - 1) < 1e-6


def test_a_probe_beats_zero_shot_on_unseen_patients(held_out):
    with h5py.File(held_out / "demo.h5") as f:
        x, text, index = f["embeddings"][:], f["text/embeddings"][:], f["text/class_index"][:]
        scale, names = f.attrs["logit_scale"], list(f["text"].attrs["class_names"])
    rows = list(csv.DictReader(open(held_out / "manifest.csv", newline="")))
    y = np.array([r["label"] == "tuberculosis" for r in rows], dtype=int)
    zero = [scale * (x @ text[index == names.index(c)].T).mean(1) for c in ("normal", "tuberculosis")]
    zero_auc = roc_auc_score(y, zero[1] - zero[0])
    rng = np.random.default_rng(0)
    probe = []
    for _ in range(10):
        support = np.concatenate([rng.choice(np.flatnonzero(y == c), 16, replace=False) for c in (0, 1)])
        query = np.setdiff1d(np.arange(len(y)), support)
        fit = LogisticRegression(C=100, max_iter=2000).fit(x[support], y[support])
        probe.append(roc_auc_score(y[query], fit.decision_function(x[query])))
    print(f"zero-shot AUC {zero_auc:.3f}, 16-shot probe {np.mean(probe):.3f}")
    assert 0.70 < zero_auc < 0.95
    assert np.mean(probe) > max(0.90, zero_auc + 0.02)
