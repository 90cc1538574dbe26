# SPDX-License-Identifier: BSD-3-Clause
"""Protects: a saved probe applied to a store gives what the run gave on the same rows, and is scored like a table."""
import hashlib
import json
import os
import subprocess

import h5py
import numpy as np
import pytest

PROGRAM = os.path.join(os.environ.get("BUILD", "build/release"), "bin/medprobe")


def write_store(path, k=3, n=240, d=16, seed=1, names=("a", "b", "c"), model="toy", labels=True):
    rng = np.random.default_rng(seed)
    text = h5py.string_dtype()
    y = rng.integers(0, k, n)
    x = rng.normal(size=(n, d)) + 0.8 * np.eye(d)[y]
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    with h5py.File(path, "w") as f:
        f.attrs["schema"], f.attrs["model"] = "medprobe.store/1", model
        f["embeddings"] = np.float32(x)
        f.create_dataset("ids", data=[f"i{i}" for i in range(n)], dtype=text)
        f.create_dataset("patient_ids", data=[f"p{i // 2}" for i in range(n)], dtype=text)
        f.create_dataset("splits", data=["train" if i < n // 2 else "test" for i in range(n)], dtype=text)
        if labels:
            f["labels"] = np.int32(y)
            f["labels"].attrs.create("class_names", list(names), dtype=text)


def run(*arguments, status=0):
    out = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    assert out.returncode == status, out.stderr
    return out


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("probe")
    write_store(folder / "store.h5")
    run("probe", folder / "store.h5", "--shots", "4", "--seeds", "2", "--method", "logreg", "--save-probes", "--quiet", "-o",
        folder / "run")
    return folder


def test_gives_the_scores_of_the_run(folder):
    out = run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s2", folder / "store.h5", "--split", "test",
              "-o", folder / "out.csv", "--json")
    table = np.genfromtxt(folder / "out.csv", delimiter=",", skip_header=1, usecols=(3, 4, 5))
    ids = [line.split(",")[0] for line in open(folder / "out.csv")][1:]
    with h5py.File(folder / "run/predictions.h5") as f:
        rows, scores = f["logreg/k4/s2/rows"][:], f["logreg/k4/s2/scores"][:]
    assert ids == [f"i{r}" for r in rows]
    assert np.abs(table - scores).max() < 1e-15
    got = json.loads(out.stdout)["metrics"]
    results = json.load(open(folder / "run/results.json"))
    episode = next(e for e in results["episodes"] if e["seed"] == 2)
    for name in ("accuracy", "auc_ovr_macro", "log_loss", "auc:a"):
        assert got[name] == episode[name]
    again = run("eval", "--predictions", folder / "out.csv", "--json")
    again, out = json.loads(again.stdout), json.loads(out.stdout)
    assert (out["probe"], out["n"], out["n_patients"]) == ("logreg/k4/s2", len(ids), len(ids) // 2)
    for key in ("n", "n_patients", "metrics", "reasons", "intervals"):
        assert again[key] == out[key]


def test_leaves_out_what_the_probe_learnt_from(folder, tmp_path):
    """Without --split, the probe was scored on its own support without a word."""
    out = run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", folder / "store.h5", "-o", tmp_path / "o.csv",
              "--json")
    with h5py.File(folder / "run/draws.h5") as f:
        support = f["k4/s1/support"][:]
    patients = set(support // 2)
    kept = [i for i in range(240) if i // 2 not in patients]
    ids = [line.split(",")[0] for line in open(tmp_path / "o.csv")][1:]
    assert ids == [f"i{r}" for r in kept]
    got = json.loads(out.stdout)
    assert (got["n"], got["left_out"]) == (len(kept), 240 - len(kept))
    assert f"the {len(support)} rows that it learnt from and {240 - len(kept) - len(support)} others" in out.stderr


def picture_digests(n):
    return np.frombuffer(b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(n)), np.uint8).reshape(n, 32)


def copy_store(source, target, order=slice(None), text=None):
    """The same pictures in another order, with other patients where asked: another store by its hash."""
    with h5py.File(source) as f, h5py.File(target, "w") as g:
        for name, value in f.attrs.items():
            g.attrs[name] = value
        for name in f:
            kind = h5py.string_dtype() if f[name].dtype == object else None
            g.create_dataset(name, data=f[name][:][order], dtype=kind)
        g["labels"].attrs.create("class_names", list(f["labels"].attrs["class_names"]), dtype=h5py.string_dtype())


@pytest.mark.parametrize("rule", ["support-cv", "val-shots", "oracle"])
def test_pictures_are_known_in_any_store(tmp_path, rule):
    """The same files extracted anew made another store, in which the probe was scored on its own support without a word."""
    store, other = tmp_path / "store.h5", tmp_path / "other.h5"
    write_store(store)
    with h5py.File(store, "r+") as f:
        f["sha256"] = picture_digests(240)
        splits = ["train"] * 90 + ["val"] * 30 + ["test"] * 120
        del f["splits"]
        f.create_dataset("splits", data=splits, dtype=h5py.string_dtype())
    run("probe", store, "--shots", "2,4", "--seeds", "2", "--c-rule", rule, "--save-probes", "--quiet", "-o", tmp_path / "run")
    order = np.random.default_rng(0).permutation(240)
    copy_store(store, other, order)
    out = run("eval", "--probes", tmp_path / "run/probes.h5", "--probe", "logreg/k4/s2", other, "-o", tmp_path / "o.csv", "--json")
    with h5py.File(tmp_path / "run/draws.h5") as f:
        seen = set(f["k4/s2/support"][:]) | (set(f["k4/s2/val"][:]) if rule == "val-shots" else set())
    seen |= set(range(90, 120)) if rule == "oracle" else set()
    patients = {r // 2 for r in seen}
    ids = [line.split(",")[0] for line in open(tmp_path / "o.csv")][1:]
    assert ids == [f"i{r}" for r in order if r // 2 not in patients]
    assert f"left out are the {len(seen)} rows that it learnt from" in out.stderr


def test_what_cannot_be_told_is_said(folder, tmp_path):
    """Neither the same store nor digests: one warning."""
    copy_store(folder / "store.h5", tmp_path / "other.h5", slice(None, None, -1))
    out = run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "other.h5")
    assert "logreg/k4/s1 has learnt from may be among them (the store has no /sha256)" in out.stderr
    assert out.stderr.count("warning") == 1
    with h5py.File(tmp_path / "other.h5", "r+") as f:
        f["sha256"] = picture_digests(240)
    out = run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "other.h5")
    assert "(the probe does not say their SHA-256)" in out.stderr


def test_nothing_left_is_a_failed_check(folder, tmp_path):
    """All rows of the split are its support's patients: exit 4."""
    with h5py.File(folder / "store.h5") as f, h5py.File(tmp_path / "few.h5", "w") as g:
        for name in f:
            f.copy(name, g)
        for name, value in f.attrs.items():
            g.attrs[name] = value
        for name in ("embeddings", "ids", "patient_ids", "splits", "labels"):
            attributes = dict(g[name].attrs)
            values = g[name][:]
            del g[name]
            kind = h5py.string_dtype() if values.dtype == object else None
            g.create_dataset(name, data=values, dtype=kind)
            for key, value in attributes.items():
                g[name].attrs[key] = value
        split = np.array(["test"] * 240, dtype=object)
        split[:120] = "train"
        with h5py.File(folder / "run/draws.h5") as d:
            for p in set(d["k4/s1/support"][:] // 2):
                split[2 * p:2 * p + 2] = "learnt"
        del g["splits"]
        g.create_dataset("splits", data=split, dtype=h5py.string_dtype())
    # another store by its hash: nothing is left out, whatever its rows
    run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "few.h5", "--split", "learnt", "--json")
    with h5py.File(folder / "run/probes.h5") as f, h5py.File(tmp_path / "probes.h5", "w") as g:
        for name in f:
            f.copy(name, g)
        for name, value in f.attrs.items():
            g.attrs[name] = value
        run("probe", tmp_path / "few.h5", "--shots", "1", "--seeds", "1", "--quiet", "-o", tmp_path / "few", "--test-split", "learnt")
        g.attrs["store_sha256"] = json.load(open(tmp_path / "few/results.json"))["provenance"]["store_sha256"]
    err = run("eval", "--probes", tmp_path / "probes.h5", "--probe", "logreg/k4/s1", tmp_path / "few.h5", "--split", "learnt",
              status=4).stderr
    assert "has learnt from" in err and err.count("\n") == 1


def test_several_probes_must_be_named(folder):
    err = run("eval", "--probes", folder / "run/probes.h5", folder / "store.h5", status=2).stderr
    assert "2 probes" in err and "logreg/k4/s1" in err and err.count("\n") == 1


def test_another_store(folder, tmp_path):
    write_store(tmp_path / "other.h5", seed=2, names=("c", "a", "b"))
    run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "other.h5", "--json")
    write_store(tmp_path / "model.h5", model="another")
    err = run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "model.h5", status=1).stderr
    assert "'toy'" in err and "'another'" in err
    write_store(tmp_path / "classes.h5", names=("a", "b", "d"))
    err = run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "classes.h5", status=1).stderr
    assert "the probe has no class 'd'" in err
    write_store(tmp_path / "plain.h5", labels=False)
    err = run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "plain.h5", status=1).stderr
    assert "no labelled rows" in err
    run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", tmp_path / "plain.h5", "-o", tmp_path / "p.csv")
    assert len(open(tmp_path / "p.csv").readlines()) == 241


def test_never_overwrites_what_is_no_table(folder, tmp_path):
    (tmp_path / "thesis.csv").write_text("my data\n")
    run("eval", "--probes", folder / "run/probes.h5", "--probe", "logreg/k4/s1", folder / "store.h5", "-o",
        tmp_path / "thesis.csv", status=2)
    assert (tmp_path / "thesis.csv").read_text() == "my data\n"
