# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the store, beside h5py, hashlib, csv, Pillow and numpy: what extract writes is what Python reads; what Python writes,
medprobe reads or refuses with the reason; content hash and perceptual hash by their description in docs/FORMATS.md.

Faults seen by these tests (planted once): labels read as int32 without a check (2^32 became 0); rows of a store in
blocks off by one; the upper of
the two middle values taken as the median of the perceptual hash."""
import csv
import ctypes
import hashlib
import math
import struct
import subprocess

import h5py
import numpy as np
import pytest
from PIL import Image

from medprobe_lib import BUILD, Error, lib

SCHEMA = "medprobe.store/1"
c_strings = ctypes.POINTER(ctypes.c_char_p)


Visit = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.POINTER(ctypes.c_float),
                         ctypes.c_void_p)


class Info(ctypes.Structure):
    """struct mdp_store_info"""
    _fields_ = [
        ("n", ctypes.c_size_t), ("d", ctypes.c_size_t), ("path", ctypes.c_char_p), ("content_hash", ctypes.c_char * 65),
        ("model", ctypes.c_char_p), ("pretrained", ctypes.c_char_p), ("weights_sha256", ctypes.c_char_p),
        ("pipeline", ctypes.c_char_p), ("precision", ctypes.c_char_p), ("kernel", ctypes.c_char_p),
        ("ids", c_strings), ("paths", c_strings), ("patient_ids", c_strings), ("splits", c_strings),
        ("sha256", ctypes.POINTER(ctypes.c_uint8)), ("labels", ctypes.POINTER(ctypes.c_int32)),
        ("n_classes", ctypes.c_size_t), ("class_names", c_strings), ("n_failures", ctypes.c_size_t),
        ("n_prompts", ctypes.c_size_t), ("text", ctypes.POINTER(ctypes.c_float)),
        ("prompt_class", ctypes.POINTER(ctypes.c_int32)), ("n_text_classes", ctypes.c_size_t),
        ("text_class_names", c_strings), ("prompts", c_strings), ("ensemble", ctypes.c_char_p),
        ("prompt_set", ctypes.c_char_p), ("prompt_set_sha256", ctypes.c_char_p),
        ("logit_scale", ctypes.c_double), ("logit_bias", ctypes.c_double), ("similarity", ctypes.c_char_p),
    ]


class Store:
    """An open store; `error` is the message where it does not open."""

    def __init__(self, path):
        so = lib()
        so.mdp_store_info.restype = ctypes.POINTER(Info)
        so.mdp_store_info.argtypes = [ctypes.c_void_p]
        so.mdp_store_close.argtypes = [ctypes.c_void_p]
        so.mdp_store_rows.argtypes = [ctypes.c_void_p] + [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_void_p] * 2
        self.handle, err = ctypes.c_void_p(), Error()
        failed = so.mdp_store_open(str(path).encode(), ctypes.byref(self.handle), ctypes.byref(err))
        self.error = err.message.decode() if failed else None
        self.info = None if failed else so.mdp_store_info(self.handle).contents

    def rows(self, rows):
        rows = np.asarray(rows, dtype=np.int64)
        out, err = np.empty((len(rows), self.info.d), np.float32), Error()
        if lib().mdp_store_rows(self.handle, rows.ctypes.data, len(rows), out.ctypes.data, ctypes.byref(err)):
            return err.message.decode()
        return out

    def blocks(self, rows=None, stop_at=None):
        """[(first, x)] of mdp_store_each_block, or its message; the visitor fails at the block `stop_at`."""
        got, d, err = [], self.info.d, Error()

        @Visit
        def visit(_, first, n, x, __):
            got.append((first, np.ctypeslib.as_array(x, (n, d)).copy()))
            return 5 if len(got) - 1 == stop_at else 0
        rows = None if rows is None else np.asarray(rows, dtype=np.int64)
        st = lib().mdp_store_each_block(self.handle, rows.ctypes.data_as(ctypes.c_void_p) if rows is not None else None,
                                        ctypes.c_size_t(0 if rows is None else len(rows)), visit, None, ctypes.byref(err))
        return (st, err.message.decode(), got)

    def norms(self, rows):
        rows = np.asarray(rows, dtype=np.int64)
        out, err = np.empty(len(rows), np.float32), Error()
        if lib().mdp_store_norms(self.handle, rows.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(len(rows)),
                                 out.ctypes.data_as(ctypes.c_void_p), ctypes.byref(err)):
            return err.message.decode()
        return out

    def find_id(self, name):
        lib().mdp_store_find_id.restype = ctypes.c_size_t
        return lib().mdp_store_find_id(self.handle, name.encode())

    def strings(self, name, n=None):
        at = getattr(self.info, name)
        return [at[i].decode() for i in range(self.info.n if n is None else n)] if at else None

    def __del__(self):
        if self.handle:
            lib().mdp_store_close(self.handle)


def run(*args):
    return subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set of phantoms, one row of which has no picture, and its store."""
    at = tmp_path_factory.mktemp("store")
    assert run(BUILD / "tools/tiny_medclip", at / "m").returncode == 0
    assert run(BUILD / "tools/phantom", "--quiet", "--out", at / "p", "--pictures", 70, "--size", "40-120", "--seed", 11,
               "--formats", "jpeg,png8,png16").returncode == 0
    with open(at / "p/manifest.csv", newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    rows[5]["path"], rows[9]["label"], rows[3]["patient_id"] = "gone.png", "", ""
    for i, row in enumerate(rows):
        row["note"] = ["plain", "with, comma", 'with "quotes"', "line\nbreak", "é中", ""][i % 6]
        row["Edema"] = ["1", "0", "-1", "", "1.0"][i % 5]
    rows[7]["age"] = ""
    with open(at / "p/manifest.csv", "w", newline="", encoding="utf-8-sig") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    done = run(BUILD / "bin/medprobe", "extract", "--model", at / "m/tiny.yaml", "--weights", at / "m/weights.safetensors",
               "--manifest", at / "p/manifest.csv", "--prompts", at / "m/prompts.yaml", "--labels", "Edema,consolidation",
               "--skip-errors", "-o", at / "a.h5")
    assert done.returncode == 3, done.stderr
    return at, rows


def good(rows):
    return [r for r in rows if r["path"] != "gone.png"]


def test_columns_are_the_manifests(made):
    at, rows = made
    rows = good(rows)
    with h5py.File(at / "a.h5") as f:
        for name, column in [("ids", "id"), ("paths", "path"), ("patient_ids", "patient_id"), ("splits", "split"),
                             ("attributes/note", "note"), ("attributes/sex", "sex")]:
            assert h5py.check_string_dtype(f[name].dtype).encoding == "utf-8"
            assert list(f[name].asstr()) == [r[column] for r in rows], name
        names = list(f["labels"].attrs["class_names"])
        assert names == sorted({r["label"] for r in rows if r["label"]})
        assert f["labels"].dtype == np.int32
        assert list(f["labels"]) == [names.index(r["label"]) if r["label"] else -1 for r in rows]
        assert f["targets"].dtype == np.int8 and list(f["targets"].attrs["target_names"]) == ["Edema", "consolidation"]
        assert [list(t) for t in f["targets"]] == [[int(float(r["Edema"])) if r["Edema"] else -2, int(r["consolidation"])]
                                                  for r in rows]
        age = [float(r["age"]) if r["age"] else math.nan for r in rows]
        assert f["attributes/age"].dtype == np.float64
        np.testing.assert_array_equal(f["attributes/age"], age)
        assert list(f["failures/row"]) == [5] and list(f["failures/path"].asstr()) == ["gone.png"]
        assert list(f["failures/reason"].asstr()) == ["No such file or directory"]


def test_embeddings_are_unit_rows_and_linked(made):
    at, rows = made
    with h5py.File(at / "a.h5") as f:
        e = f["embeddings"]
        assert e.dtype == np.float32 and e.shape == (69, 24) and e.maxshape == (None, 24) and e.chunks
        assert f["features"] == e  # one object with two names
        assert f.get("features", getlink=True).__class__ is h5py.HardLink
        np.testing.assert_allclose(np.linalg.norm(e[()].astype(np.float64), axis=1), 1, atol=1e-7)
        assert f["norms"].dtype == np.float32 and (f["norms"][()] > 0).all()
        t = f["text"]
        np.testing.assert_allclose(np.linalg.norm(t["embeddings"][()].astype(np.float64), axis=1), 1, atol=1e-7)
        assert list(t["class_index"]) == [0, 0, 1] and list(t.attrs["class_names"]) == ["normal", "tuberculosis"]
        assert t.attrs["prompt_set_sha256"] == hashlib.sha256((at / "m/prompts.yaml").read_bytes()).hexdigest()
        assert f.attrs["schema"] == SCHEMA and f.attrs["model"] == "tiny"
        assert f.attrs["weights_sha256"] == hashlib.sha256((at / "m/weights.safetensors").read_bytes()).hexdigest()
        np.testing.assert_allclose(f.attrs["logit_scale"], 1 / 0.07, rtol=1e-6)


def test_rows_keep_their_order_over_many_blocks(made):
    at, rows = made
    rows = good(rows)
    many = [r | {"id": f"{r['id']}-{k}"} for k in range(20) for r in rows]
    with open(at / "p/many.csv", "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, rows[0].keys())
        writer.writeheader()
        writer.writerows(many)
    done = run(BUILD / "bin/medprobe", "extract", "--model", at / "m/tiny.yaml", "--weights", at / "m/weights.safetensors",
               "--manifest", at / "p/many.csv", "--quiet", "-o", at / "many.h5")
    assert done.returncode == 0 and done.stderr == ""
    with h5py.File(at / "a.h5") as a, h5py.File(at / "many.h5") as b:
        assert list(b["ids"].asstr()) == [r["id"] for r in many]
        for name in ["embeddings", "norms", "phash", "sha256", "attributes/exposure"]:
            np.testing.assert_array_equal(b[name], np.concatenate([a[name]] * 20))
        assert "text" not in b and "logit_scale" not in b.attrs


def phash(path):
    """docs/FORMATS.md, in numpy."""
    with Image.open(path) as im:
        if im.mode.startswith("I"):
            v = np.asarray(im).astype(np.uint32)
            bits = next(b for b in (8, 10, 12, 14, 16) if v.max() < 1 << b)
            v = np.floor(v * 255 / ((1 << bits) - 1) + 0.5) if bits > 8 else v
            im = Image.fromarray(v.astype(np.uint8))
        im = im.convert("L")
        # Pillow 13 takes the vertical pass first for some sizes; two calls keep the order.
        im = im.resize((32, im.height), Image.Resampling.BILINEAR).resize((32, 32), Image.Resampling.BILINEAR)
    c = np.round(2**14 * np.cos(np.pi * (2 * np.arange(32) + 1)[None, :] * np.arange(1, 9)[:, None] / 64)).astype(np.int64)
    f = (c @ np.asarray(im).astype(np.int64) @ c.T).ravel()
    return sum(1 << (63 - i) for i in range(64) if f[i] > np.median(f))


def test_hashes_of_the_pictures(made):
    at, rows = made
    with h5py.File(at / "a.h5") as f:
        for i, r in enumerate(good(rows)):
            path = at / "p" / r["path"]
            assert bytes(f["sha256"][i]) == hashlib.sha256(path.read_bytes()).digest()
            assert int(f["phash"][i]) == phash(path), path
        assert set(f["orientation"]) == {1}


# --- content hash, by its description ------------------------------------------------------------------------------

def name_bytes(text):
    raw = text if isinstance(text, bytes) else text.encode()
    return struct.pack("<Q", len(raw)) + raw


def values_part(dtype, shape, read):
    string = h5py.check_string_dtype(dtype)
    tag = "string" if string else {"f": "float", "i": "int", "u": "uint"}[dtype.kind] + str(8 * dtype.itemsize)
    head = name_bytes(tag) + struct.pack(f"<{1 + len(shape)}Q", len(shape), *shape)
    if string:
        flat = np.atleast_1d(read()).ravel()
        return head + b"".join(name_bytes(v.rstrip(b"\0") if isinstance(v, bytes) else v) for v in flat)
    wide = {"f2": "<f4", "u2": "<i4", "u4": "<i8", "i2": "<i4"}.get(dtype.kind + str(dtype.itemsize),
                                                                    "<" + dtype.kind + str(dtype.itemsize))
    return head + np.asarray(read()).astype(wide).tobytes()


def object_digest(o):
    if isinstance(o, h5py.Group):
        part = name_bytes("group") + struct.pack("<Q", len(o))
        for k in sorted(o, key=str.encode):
            part += name_bytes(k) + (object_digest(o[k]) if isinstance(o.get(k, getlink=True), h5py.HardLink)
                                     else name_bytes("link"))
    else:
        part = values_part(o.dtype, o.shape, lambda: o[()])
    part += struct.pack("<Q", len(o.attrs))
    for k in sorted(o.attrs, key=str.encode):
        a = o.attrs.get_id(k)
        part += name_bytes(k) + values_part(a.dtype, a.shape, lambda k=k: o.attrs[k])
    return hashlib.sha256(part).digest()


def test_content_hash_is_the_described_one(made):
    at, _ = made
    with h5py.File(at / "a.h5") as f:
        assert Store(at / "a.h5").info.content_hash.decode() == object_digest(f).hex()


def repack(source, target, change=None):
    """The same values otherwise: big-endian, compressed, strings of fixed length, other order."""
    with h5py.File(source) as a, h5py.File(target, "w") as b:
        def attributes(x, y):
            for k in sorted(x.attrs, reverse=True):
                v = x.attrs[k]
                y.attrs.create(k, np.array([s.encode() for s in v]) if k.endswith("_names") and len(v) else v)

        def copy(x, y):
            for k in sorted(x, reverse=True):
                if k == "features":
                    continue
                if isinstance(x[k], h5py.Group):
                    copy(x[k], y.create_group(k))
                else:
                    v = x[k][()]
                    if h5py.check_string_dtype(x[k].dtype):
                        v = np.array([s for s in v], dtype="S") if len(v) else np.zeros(0, "S1")
                    elif v.dtype.itemsize > 1:
                        v = v.astype(v.dtype.newbyteorder(">"))
                    if change == k:
                        v = np.array(v)
                        v.flat[0] = v.flat[1]
                    y.create_dataset(k, data=v, **({"compression": "gzip", "shuffle": True} if v.size else {}))
                attributes(x[k], y[k])
        copy(a, b)
        b["features"] = b["embeddings"]
        attributes(a, b)


def test_a_repacked_store_is_the_same_store(made, tmp_path):
    at, _ = made
    want = Store(at / "a.h5")
    repack(at / "a.h5", tmp_path / "b.h5")
    got = Store(tmp_path / "b.h5")
    assert got.error is None
    assert got.info.content_hash == want.info.content_hash
    assert got.strings("ids") == want.strings("ids")
    np.testing.assert_array_equal(got.rows(range(69)), want.rows(range(69)))
    repack(at / "a.h5", tmp_path / "c.h5", change="norms")
    assert Store(tmp_path / "c.h5").info.content_hash != want.info.content_hash


def test_what_is_read_is_what_is_stored(made):
    at, rows = made
    s = Store(at / "a.h5")
    with h5py.File(at / "a.h5") as f:
        order = np.random.default_rng(1).permutation(69)
        np.testing.assert_array_equal(s.rows(order), f["embeddings"][()][order])
        np.testing.assert_array_equal(s.rows([68, 0, 1, 2, 1]), f["embeddings"][()][[68, 0, 1, 2, 1]])
        assert s.rows([69]).endswith("row 69 was asked for, there are 69") and "row -1" in s.rows([-1])
        assert s.strings("patient_ids") == [r["patient_id"] for r in good(rows)]
        assert [s.info.labels[i] for i in range(69)] == list(f["labels"])
        assert s.info.n_prompts == 3 and s.info.logit_scale == f.attrs["logit_scale"]
        assert s.strings("prompts", 3) == list(f["text/prompts"].asstr())
        np.testing.assert_array_equal(np.ctypeslib.as_array(s.info.text, (3, 24)), f["text/embeddings"])
        assert bytes(s.info.sha256[0:32]) == bytes(f["sha256"][0])


def test_blocks_norms_and_ids(tmp_path):
    """More rows than a block, all and chosen ones; a visitor that fails ends it."""
    assert run(BUILD / "tools/make_store", tmp_path / "s.h5", "patients=650", "pictures=2", "d=8").returncode == 0
    s = Store(tmp_path / "s.h5")
    with h5py.File(tmp_path / "s.h5") as f:
        e, norms, ids = f["embeddings"][()], f["norms"][()], list(f["ids"].asstr())
    n = len(ids)
    assert n == 2600
    for rows in [None, np.random.default_rng(1).permutation(n), np.arange(7), [], np.full(1500, 3)]:
        st, _, got = s.blocks(rows)
        chosen = np.arange(n) if rows is None else np.asarray(rows, dtype=np.int64)
        assert st == 0 and [first for first, _ in got] == list(range(0, len(chosen), 1024))
        np.testing.assert_array_equal(np.concatenate([np.empty((0, 8), np.float32)] + [x for _, x in got]), e[chosen])
    st, _, got = s.blocks(stop_at=1)
    assert st == 5 and len(got) == 2
    assert s.blocks([0, n])[1].endswith(f"row {n} was asked for, there are {n}")
    np.testing.assert_array_equal(s.norms([5, 0, 2599]), norms[[5, 0, 2599]])
    assert [s.find_id(ids[k]) for k in (0, 77, n - 1)] == [0, 77, n - 1] and s.find_id("nobody") == n


def test_norms_that_are_no_lengths(tmp_path):
    minimal(tmp_path / "none.h5")
    assert "has no /norms" in Store(tmp_path / "none.h5").norms([0])
    minimal(tmp_path / "m.h5", norms=np.array([1, 2, np.nan, -1, 1, 1], np.float32))
    s = Store(tmp_path / "m.h5")
    np.testing.assert_array_equal(s.norms([0, 1, 5]), [1, 2, 1])
    assert s.norms([2]).endswith("row 2: the norm is no length") and "row 3" in s.norms([3])
    minimal(tmp_path / "other.h5", norms=np.ones(5, np.float32))
    assert "/norms has 5 rows, expected 6" in Store(tmp_path / "other.h5").norms([0])


# --- stores of other programs --------------------------------------------------------------------------------------

def minimal(path, **changes):
    rng = np.random.default_rng(0)
    e = rng.standard_normal((6, 4)).astype(np.float32)
    parts = {"embeddings": e / np.linalg.norm(e, axis=1, keepdims=True), "ids": [f"i{k}" for k in range(6)],
             "labels": np.array([0, 1, 0, 1, -1, 1], np.int64)} | changes
    with h5py.File(path, "w") as f:
        f.attrs["schema"] = parts.pop("schema", SCHEMA)
        names = parts.pop("class_names", ["a", "b"])
        f.attrs.update(parts.pop("attrs", {}))
        for k, v in parts.items():
            if v is not None:
                f[k] = v
        if "labels" in f and names is not None:
            f["labels"].attrs["class_names"] = names


def test_a_minimal_store_opens(tmp_path):
    minimal(tmp_path / "m.h5")
    s = Store(tmp_path / "m.h5")
    assert s.error is None
    assert (s.info.n, s.info.d, s.info.n_classes) == (6, 4, 2)
    assert [s.info.labels[i] for i in range(6)] == [0, 1, 0, 1, -1, 1]
    assert s.strings("class_names", 2) == ["a", "b"]
    assert not s.info.paths and not s.info.patient_ids and not s.info.splits and not s.info.sha256
    assert s.info.n_prompts == 0 and s.info.logit_scale == 1 and s.info.similarity == b"softmax"
    assert s.info.model == b"" and s.rows(range(6)).shape == (6, 4)


@pytest.mark.parametrize("changes", [
    {"labels": None}, {"embeddings": np.ones((6, 4), np.float64) / 2}, {"embeddings": np.ones((6, 4), np.float16) / 2},
    {"ids": np.array([f"i{k}" for k in range(6)], "S9")}, {"schema": np.bytes_(SCHEMA)}, {"splits": [""] * 6},
    {"attrs": {"logit_scale": np.float32(20)}}, {"attrs": {"logit_scale": np.array([20.0])}},
    {"labels": np.full(6, -1, np.int8), "class_names": []}, {"patient_ids": ["p"] * 6},
    {"embeddings": np.zeros((0, 4), np.float32), "ids": np.zeros(0, "S1"), "labels": np.zeros(0, np.int32)},
], ids=str)
def test_other_stores_open(tmp_path, changes):
    minimal(tmp_path / "m.h5", **changes)
    s = Store(tmp_path / "m.h5")
    assert s.error is None
    if "attrs" in changes:
        assert s.info.logit_scale == 20


@pytest.mark.parametrize("changes, words", [
    ({"schema": "medprobe.store/2"}, "schema is 'medprobe.store/2', expected 'medprobe.store/1'"),
    ({"ids": None}, "has no /ids"),
    ({"embeddings": None}, "has no /embeddings"),
    ({"embeddings": np.ones((6, 4), np.int32)}, "no table of floating-point numbers"),
    ({"embeddings": np.ones(6, np.float32)}, "no table of floating-point numbers"),
    ({"ids": ["x"] * 5}, "/ids has 5 rows, expected 6"),
    ({"ids": np.array([b"\xff"] * 6)}, "string 0 is not valid UTF-8"),
    ({"labels": np.zeros(5, np.int32)}, "/labels has 5 rows, expected 6"),
    ({"labels": np.array([0, 1, 2, 0, 0, 0])}, "row 2 of /labels: the label is 2, expected -1 to 1"),
    ({"labels": np.array([0, 1, 0, -2, 0, 0])}, "row 3 of /labels: the label is -2, expected -1 to 1"),
    ({"labels": np.array([0, 1, 0, 2**32, 0, 0])}, "row 3 of /labels: the label is 4294967296"),
    ({"labels": np.zeros(6)}, "/labels holds floating-point numbers, expected whole numbers"),
    ({"class_names": None}, "/labels has no attribute class_names"),
    ({"class_names": ["a", "a"]}, "class 'a' is named twice"),
    ({"attrs": {"logit_scale": np.inf}}, "attribute logit_scale is not finite"),
    ({"splits": ["train"]}, "/splits has 1 rows, expected 6"),
    ({"text/embeddings": np.ones((2, 5), np.float32)}, "/text/embeddings has 5 columns, expected 4"),
    ({"text/embeddings": np.full((2, 4), np.nan, np.float32)}, "row 0 of /text/embeddings is not finite"),
], ids=str)
def test_wrong_stores_are_refused(tmp_path, changes, words):
    minimal(tmp_path / "m.h5", **changes)
    s = Store(tmp_path / "m.h5")
    assert s.error and words in s.error and str(tmp_path / "m.h5") in s.error


def test_values_that_are_not_finite_are_named_by_row(tmp_path):
    e = np.ones((6, 4), np.float32)
    e[4, 2] = np.nan
    minimal(tmp_path / "m.h5", embeddings=e)
    s = Store(tmp_path / "m.h5")
    assert isinstance(s.rows([0, 1, 2, 3]), np.ndarray)
    assert "row 4: value 2 of the embedding is not finite" in s.rows(range(6))


def test_hostile_stores_are_refused(tmp_path):
    with h5py.File(tmp_path / "v.h5", "w") as f:
        f["e"] = np.ones((6, 4), np.float32)
    minimal(tmp_path / "a.h5", embeddings=None)
    with h5py.File(tmp_path / "a.h5", "a") as f:
        f["embeddings"] = h5py.ExternalLink("v.h5", "/e")
    assert "not followed" in Store(tmp_path / "a.h5").error
    minimal(tmp_path / "b.h5", embeddings=None)
    with h5py.File(tmp_path / "b.h5", "a") as f:
        f.create_dataset("embeddings", (6, 4), "f4", external=[("/etc/passwd", 0, 96)])
    assert "keeps its values in another file" in Store(tmp_path / "b.h5").error
    minimal(tmp_path / "c.h5", embeddings=None, ids=None)
    with h5py.File(tmp_path / "c.h5", "a") as f:
        f.create_dataset("embeddings", (2**40, 4), "f4", chunks=(1024, 4), compression="gzip")
        f.create_dataset("ids", (2**40,), "S8", chunks=(1024,))
    assert "promises" in Store(tmp_path / "c.h5").error
    minimal(tmp_path / "d.h5", embeddings=None)
    with h5py.File(tmp_path / "d.h5", "a") as f:
        f.create_dataset("embeddings", data=np.ones((6, 4), np.float32), compression="lzf", chunks=(6, 4))
    assert "is stored with filter" in Store(tmp_path / "d.h5").error
