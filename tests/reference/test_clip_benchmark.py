# SPDX-License-Identifier: BSD-3-Clause
"""Protects: results.json for other programs: CLIP_benchmark's own `build` makes a row of our results.json, unchanged.

The package is installed without its dependencies (model zoos, data sets), of which `build` needs none: modules that are
not there are stood in for while its command line is imported."""
import csv
import importlib
import json
import os
import subprocess
import sys
from unittest import mock

import h5py
import numpy as np

PROGRAM = os.path.join(os.environ.get("BUILD", "build/release"), "bin/medprobe")


def import_cli():
    """clip_benchmark.cli, with a stand-in for each missing dependency."""
    while True:
        try:
            return importlib.import_module("clip_benchmark.cli")
        except ModuleNotFoundError as e:
            if e.name.startswith("clip_benchmark"):
                raise
            sys.modules[e.name] = mock.MagicMock()
            for name in [m for m in sys.modules if m.startswith("clip_benchmark")]:
                del sys.modules[name]


def make_results(folder):
    rng = np.random.default_rng(1)
    n, text = 60, h5py.string_dtype()
    labels = rng.integers(0, 3, n)
    with h5py.File(folder / "store.h5", "w") as f:
        f.attrs["schema"], f.attrs["model"], f.attrs["pretrained"] = "medprobe.store/1", "medclip-vit", "published"
        f["embeddings"] = np.tile(np.float32([1, 0]), (n, 1))
        f.create_dataset("ids", data=[f"i{i}" for i in range(n)], dtype=text)
        f["labels"] = np.int32(labels)
        f["labels"].attrs.create("class_names", ["a", "b", "c"], dtype=text)
    with h5py.File(folder / "predictions.h5", "w") as f:
        for name in ("zero-shot/k0/s0", "logreg/k4/s1", "logreg/k4/s2", "logreg/k16/s1", "logreg/k16/s2"):
            f[name + "/rows"] = np.arange(n)
            f[name + "/scores"] = rng.dirichlet(np.ones(3), n)
    out = subprocess.run([PROGRAM, "eval", "--predictions", folder / "predictions.h5", folder / "store.h5", "--json"],
                         capture_output=True, check=True, text=True)
    (folder / "results.json").write_text(out.stdout)
    return json.loads(out.stdout)


def test_build_reads_results(tmp_path, monkeypatch):
    results = make_results(tmp_path)
    table = tmp_path / "benchmark.csv"
    before = set(sys.modules)
    try:
        cli = import_cli()
        monkeypatch.setattr(sys, "argv",
                            ["clip_benchmark", "build", str(tmp_path / "results.json"), "--output", str(table)])
        cli.main()
    finally:
        for name in set(sys.modules) - before:
            del sys.modules[name]
    csv.field_size_limit(10 ** 9)
    row, = csv.DictReader(open(table, newline=""))

    def mean(method, shots, metric):
        return next(r["mean"] for r in results["results"]
                    if (r["method"], r["shots"], r["metric"]) == (method, shots, metric))

    assert row["model_fullname"] == "medclip-vit published"
    assert row["task"] == "linear_probe"
    assert float(row["lp_acc1"]) == mean("logreg", 16, "accuracy")
    assert float(row["lp_mean_per_class_recall"]) == mean("logreg", 16, "balanced_accuracy")
    assert float(row["acc1"]) == mean("zero-shot", 0, "accuracy")
    assert float(row["mean_per_class_recall"]) == mean("zero-shot", 0, "balanced_accuracy")
    assert row["fewshot_k"] == "16"
    assert all(not isinstance(v, (list, dict)) for v in results["metrics"].values())


def test_keys_and_their_order(tmp_path):
    results = make_results(tmp_path)
    keys = list(results)
    assert keys[:8] == ["model", "pretrained", "dataset", "task", "metrics", "results", "episodes", "comparisons"]
    assert keys[-2:] == ["provenance", "environment"]
    assert list(results["results"][0]) == ["method", "shots", "metric", "mean", "std", "ci_low", "ci_high", "n_episodes",
                                           "n_test", "n_patients", "definition"]
    assert list(results["episodes"][0])[:4] == ["method", "shots", "seed", "c"]
    assert list(results["comparisons"][0]) == ["a", "b", "shots", "metric", "difference", "ci_low", "ci_high", "p",
                                               "p_adjusted", "test"]
    assert results["episodes"][0]["shots"] == 0 and results["episodes"][0]["c"] is None
    assert {t["test"] for t in results["episodes"][1]["tests"]} == {"mcnemar-exact", "delong", "delong-clustered"}
