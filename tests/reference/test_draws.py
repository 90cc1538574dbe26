# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the draws, against docs/METHODS.md, "Draws", written again in Python: every row of every list is the same.

Faults once planted and seen: a stream that does not depend on the shots, classes drawn in the order of their numbers
where patients have several."""

import os
import subprocess

import h5py
import numpy as np
import pytest

BUILD = os.path.abspath(os.environ.get("BUILD", "build/release"))
MASK = 0xFFFFFFFF


class Philox:
    """Philox4x32-10, stream (seed, shots, purpose 0)."""

    def __init__(self, seed, shots):
        self.key, self.words, self.block, self.shots = (seed & MASK, seed >> 32), [], 0, shots

    def u32(self):
        if not self.words:
            c, k = [self.block & MASK, self.block >> 32, self.shots, 0], list(self.key)
            for _ in range(10):
                p0, p1 = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
                c = [(p1 >> 32) ^ c[1] ^ k[0], p1 & MASK, (p0 >> 32) ^ c[3] ^ k[1], p0 & MASK]
                k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
            self.words, self.block = c, self.block + 1
        return self.words.pop(0)

    def below(self, n):
        while True:
            x = self.u32() | self.u32() << 32
            if x >= 2**64 % n:
                return x % n

    def shuffle(self, items):
        for i in range(len(items) - 1, 0, -1):
            j = self.below(i + 1)
            items[i], items[j] = items[j], items[i]


def draw(labels, patients, splits, classes, shots, seed, val):
    """support, val, query as METHODS.md says."""
    has_split = splits is not None
    rows = [i for i in range(len(labels)) if labels[i] >= 0 and (not has_split or splits[i] == "train")]
    first = {}
    for i, p in enumerate(patients):
        first.setdefault(p, len(first))
    pictures = [{} for _ in range(classes)]  # of each class: patient -> rows
    for i in rows:
        pictures[labels[i]].setdefault(patients[i], []).append(i)
    most = [len(p) if has_split else len(p) // 2 for p in pictures]
    order = sorted(range(classes), key=lambda c: (len(pictures[c]), c))
    rng, taken, drawn = Philox(seed, shots), set(), [0] * classes

    def side(c, wanted, limit):
        free = sorted((p for p in pictures[c] if p not in taken), key=first.get)
        rng.shuffle(free)
        chosen = []
        for p in free:
            if len(chosen) == min(limit, wanted):
                break
            of = [k for k in range(classes) if p in pictures[k]]
            if any(drawn[k] == most[k] for k in of):
                continue
            taken.add(p)
            chosen.append(p)
            for k in of:
                drawn[k] += 1
        lists = []
        for p in chosen:
            lists.append(list(pictures[c][p]))
            rng.shuffle(lists[-1])
        turns = [own[r] for r in range(max(map(len, lists), default=0)) for own in lists if r < len(own)]
        return turns[:wanted]

    v = min(shots, 4) if val else 0
    support, val_rows = [], []
    for c in order:
        left = most[c] - drawn[c]
        limit = shots if v == 0 or left >= shots + v else left - v if left > 2 * v else left - left // 2
        support += side(c, shots, limit)
    for c in order if val else []:
        val_rows += side(c, v, v)
    query = [i for i in range(len(labels)) if labels[i] >= 0 and (splits[i] == "test" if has_split else patients[i] not in taken)]
    return support, val_rows, query


STORES = {
    "splits": ["patients=24", "pictures=3", "unlabelled=5"],
    "mixed": ["patients=30", "pictures=3", "mixed=20", "classes=4", "rare=1"],
    "no splits": ["patients=20", "pictures=2", "splits=0", "classes=3", "mixed=9"],
    "no patients": ["patients=20", "pictures=2", "ids=0"],
}


@pytest.mark.parametrize("val", [False, True])
@pytest.mark.parametrize("name", STORES)
def test_draws_are_those_of_the_documentation(name, val, tmp_path):
    store, run = tmp_path / "data.h5", tmp_path / "run"
    subprocess.run([f"{BUILD}/tools/make_store", store, "d=8", "text=0", *STORES[name]], check=True)
    group = "none" if name == "no patients" else "patient_id"
    rule = ["--c-rule", "val-shots"] if val else ["--c-rule", "fixed", "--c", "1"]
    subprocess.run(
        [f"{BUILD}/bin/medprobe", "probe", store, "--shots", "1,2,5", "--seed", "0,1,2,4294967295", "--group", group]
        + [*rule, "--resamples", "0", "-q", "-o", run],
        check=True,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PATH": ""},  # no figures: they take a second
    )
    with h5py.File(store) as f:
        labels, classes = f["labels"][:], len(f["labels"].attrs["class_names"])
        patients = [s.decode() for s in f["patient_ids"][:]] if group != "none" else [str(i) for i in range(len(labels))]
        splits = [s.decode() for s in f["splits"][:]]
    if not any(splits):
        splits = None
    compared = 0
    with h5py.File(run / "draws.h5") as f:
        for shots in (1, 2, 5):
            for seed in (0, 1, 2, 4294967295):
                support, val_rows, query = draw(labels, patients, splits, classes, shots, seed, val)
                group = f[f"k{shots}/s{seed}"]
                assert group["support"][:].tolist() == support
                assert group["query"][:].tolist() == query
                assert ("val" in group) == val
                if val:
                    assert group["val"][:].tolist() == val_rows
                compared += 1
    assert compared == 12
