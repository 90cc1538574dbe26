# SPDX-License-Identifier: BSD-3-Clause
"""Protects: `eval --predictions` gives the numbers of the run that made the predictions.

Faults that were there: the store's order of classes was taken for the file's (accuracy 1 became 0, exit 0); a run of
--group none was scored by patient, with other intervals."""

import json
import os
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


def rescored(store, run):
    done = medprobe("eval", "--predictions", run / "predictions.h5", store, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("run", [[], ["--group", "none"]], indirect=True, ids=["by patient", "without patients"])
def test_the_same_numbers(run):
    store, folder, results = run
    again = rescored(store, folder)
    for key in ("model", "dataset", "results", "comparisons", "episodes"):
        assert again[key] == results[key]


def test_classes_in_another_order(run):
    store, folder, results = run
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
    with h5py.File(store, "r+") as f:
        names = list(f["labels"].attrs["class_names"])
        f["labels"].attrs.create("class_names", ["other", *names[1:]], dtype=h5py.string_dtype())
    done = medprobe("eval", "--predictions", folder / "predictions.h5", store, "--json")
    assert done.returncode == 1 and f"scores of class '{names[0]}', which the store has not" in done.stderr
