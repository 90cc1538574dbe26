# SPDX-License-Identifier: BSD-3-Clause
"""Protects: `eval --predictions` gives the numbers of the run that made the predictions.

Faults that were there: the store's order of classes was taken for the file's (accuracy 1 became 0, exit 0); a run of
--group none was scored by patient, with other intervals; a run of --resamples 200 with the intervals of 1000; the row numbers of
another store (the same pictures in another order) were taken for this one's."""

import json
import os
import shutil
import subprocess

import h5py
import numpy as np
import pytest

BUILD = os.path.abspath(os.environ.get("BUILD", "build/release"))
NO_GNUPLOT = {**os.environ, "PATH": ""}


def medprobe(*arguments):
    return subprocess.run([f"{BUILD}/bin/medprobe", *arguments], capture_output=True, text=True, env=NO_GNUPLOT)


@pytest.fixture()
def run(tmp_path, request):
    store, run = tmp_path / "data.h5", tmp_path / "run"
    subprocess.run([f"{BUILD}/tools/make_store", store, "classes=3", "separation=0.3"], check=True)
    done = medprobe("probe", store, "-q", "--shots", "1,4", "--seeds", "3", "-o", run, *getattr(request, "param", []))
    assert done.returncode == 0, done.stderr
    return store, run, json.loads((run / "results.json").read_text())


def forget_store(run):
    """As files of other programs and of before are: they do not say which store their rows are of."""
    with h5py.File(run / "predictions.h5", "r+") as f:
        del f.attrs["store_sha256"]


def rescored(store, run, *arguments):
    done = medprobe("eval", "--predictions", run / "predictions.h5", store, "--json", *arguments)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("run", [[], ["--group", "none"], ["--resamples", "200", "--c-rule", "oracle"]], indirect=True,
                         ids=["by patient", "without patients", "with other resamples"])
def test_the_same_numbers(run):
    store, folder, results = run
    again = rescored(store, folder)
    for key in ("model", "dataset", "results", "comparisons", "episodes"):
        assert again[key] == results[key]
    assert again["provenance"]["c_rule"] == results["provenance"]["c_rule"]


def test_resamples_may_be_asked_for(run):
    store, folder, results = run
    again = rescored(store, folder, "--resamples", "50")
    assert all("50 resamples" in r["definition"] for r in again["results"] if r["ci_low"] is not None)
    assert [r["mean"] for r in again["results"]] == [r["mean"] for r in results["results"]]


def test_ranges_are_said(run):
    """Where episodes have different test rows, the smallest number stood there as if it were that of all."""
    store, folder, _ = run
    with h5py.File(folder / "predictions.h5", "r+") as f:
        for name in ("rows", "scores"):
            values = f[f"logreg/k4/s2/{name}"][:]
            del f[f"logreg/k4/s2/{name}"]
            f[f"logreg/k4/s2/{name}"] = values[:-5]
        n = len(values)
    out = medprobe("eval", "--predictions", folder / "predictions.h5", store).stdout
    accuracy = {tuple(line.split()[:2]): line for line in out.splitlines() if " accuracy " in line}
    assert f" {n - 5} to {n} " in accuracy["logreg", "4"] and " to " not in accuracy["logreg", "1"]


def test_another_store_is_refused(run):
    """The pictures in another order; packed anew it is the same store."""
    store, folder, _ = run
    shutil.copy(store, store.with_name("turned.h5"))
    with h5py.File(store.with_name("turned.h5"), "r+") as f:
        for name in ("embeddings", "labels"):
            f[name][:] = f[name][:][::-1]
    shutil.copy(store, store.with_name("packed.h5"))
    with h5py.File(store.with_name("packed.h5"), "r+") as f:
        x = f["embeddings"][:]
        del f["embeddings"]
        f.create_dataset("embeddings", data=x, compression="gzip")
    done = medprobe("eval", "--predictions", folder / "predictions.h5", store.with_name("turned.h5"), "--json")
    assert done.returncode == 4 and "row numbers are those of another store" in done.stderr and done.stderr.count("\n") == 1
    done = medprobe("eval", "--predictions", folder / "predictions.h5", store.with_name("packed.h5"), "--json")
    assert done.returncode == 0
    forget_store(folder)
    done = medprobe("eval", "--predictions", folder / "predictions.h5", store, "--json")
    assert done.returncode == 0 and "does not say which store" in done.stderr


def test_classes_in_another_order(run):
    store, folder, results = run
    forget_store(folder)
    with h5py.File(store, "r+") as f:
        names = list(f["labels"].attrs["class_names"])
        order = [2, 0, 1]
        del f["labels"].attrs["class_names"]
        f["labels"].attrs.create("class_names", [names[i] for i in order], dtype=h5py.string_dtype())
        f["labels"][:] = np.where(f["labels"][:] < 0, -1, np.argsort(order)[f["labels"][:]])
    again = rescored(store, folder)
    assert again["classes"] == [names[i] for i in order]
    for a, b in zip(again["episodes"], results["episodes"]):
        for metric in ("accuracy", *(f"auc:{name}" for name in names)):
            assert abs(a[metric] - b[metric]) < 1e-12


def test_classes_that_the_store_has_not(run):
    store, folder, _ = run
    forget_store(folder)
    with h5py.File(store, "r+") as f:
        names = list(f["labels"].attrs["class_names"])
        f["labels"].attrs.create("class_names", ["other", *names[1:]], dtype=h5py.string_dtype())
    done = medprobe("eval", "--predictions", folder / "predictions.h5", store, "--json")
    assert done.returncode == 1 and f"scores of class '{names[0]}', which the store has not" in done.stderr
