# SPDX-License-Identifier: BSD-3-Clause
"""Protects: weight files: every tensor that torch and safetensors write is read with the same name, shape, dtype and bytes.

Property: name order, shape, dtype, float32 conversion and SHA-256 of the row-major elements are equal, exactly; a
digest of one transposed view equals that of its copy. Planted faults that were seen: reading a storage from its
begin instead of its offset, taking every tensor as contiguous, and listing the buffers of a module that its state_dict() leaves out.
"""

import collections
import ctypes
import hashlib
import io
import json
import os
import pathlib
import pickle
import struct
import zipfile
import zlib

import clip.model
import medprobe_lib
import numpy as np
import pytest
import torch
import torchxrayvision
import transformers
from safetensors.torch import load_file, save_file

BUILD = os.environ.get("BUILD", "build/release")
MAX_RANK = 8


class Tensor(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("dtype", ctypes.c_int),
        ("rank", ctypes.c_size_t),
        ("shape", ctypes.c_size_t * MAX_RANK),
        ("stride", ctypes.c_size_t * MAX_RANK),
        ("count", ctypes.c_size_t),
        ("contiguous", ctypes.c_bool),
        ("bytes", ctypes.c_void_p),
    ]


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1024)]


@pytest.fixture(scope="module")
def lib():
    library = medprobe_lib.lib()
    library.mdp_weights_open.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(Error)]
    library.mdp_weights_close.argtypes = [ctypes.c_void_p]
    library.mdp_weights_format.argtypes = [ctypes.c_void_p]
    library.mdp_weights_format.restype = ctypes.c_char_p
    library.mdp_weights_count.argtypes = [ctypes.c_void_p]
    library.mdp_weights_count.restype = ctypes.c_size_t
    library.mdp_weights_at.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    library.mdp_weights_at.restype = ctypes.POINTER(Tensor)
    library.mdp_weights_narrow.argtypes = [
        ctypes.c_void_p, ctypes.POINTER(ctypes.c_char_p), ctypes.c_size_t, ctypes.POINTER(Error)
    ]  # fmt: skip
    library.mdp_tensor_to_f32.argtypes = [ctypes.POINTER(Tensor), ctypes.c_void_p]
    library.mdp_tensor_sha256.argtypes = [ctypes.POINTER(Tensor), ctypes.c_char_p, ctypes.POINTER(Error)]
    library.mdp_weights_sha256_of_file.argtypes = [ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(Error)]
    library.mdp_dtype_name.argtypes = [ctypes.c_int]
    library.mdp_dtype_name.restype = ctypes.c_char_p
    return library


def read(lib, path, narrow=None):
    """(format, [(name, dtype, shape, float32 values, digest)]) or the message of the refusal."""
    weights, err = ctypes.c_void_p(), Error()
    if lib.mdp_weights_open(str(path).encode(), ctypes.byref(weights), ctypes.byref(err)) != 0:
        return err.message.decode(errors="replace")
    narrow = [narrow] if isinstance(narrow, str) else narrow or [""]
    prefixes = (ctypes.c_char_p * len(narrow))(*(prefix.encode() for prefix in narrow))
    if lib.mdp_weights_narrow(weights, prefixes, len(narrow), ctypes.byref(err)) != 0:
        return err.message.decode(errors="replace")
    found = []
    for i in range(lib.mdp_weights_count(weights)):
        t = lib.mdp_weights_at(weights, i)
        values = np.zeros(t.contents.count, np.float32)
        lib.mdp_tensor_to_f32(t, values.ctypes.data)
        digest = ctypes.create_string_buffer(32)
        assert lib.mdp_tensor_sha256(t, digest, ctypes.byref(err)) == 0
        shape = tuple(t.contents.shape[: t.contents.rank])
        dtype = lib.mdp_dtype_name(t.contents.dtype).decode()
        found.append((t.contents.name.decode(), dtype, shape, values.reshape(shape), digest.raw))
    form = lib.mdp_weights_format(weights).decode()
    lib.mdp_weights_close(weights)
    return form, found


def row_major_bytes(tensor):
    tensor = tensor.detach().contiguous()
    return tensor.reshape(-1).view(torch.uint8).numpy().tobytes() if tensor.numel() else b""


def check(lib, path, expected, form, narrow=None):
    result = read(lib, path, narrow)
    assert not isinstance(result, str), result
    assert result[0] == form
    assert [t[0] for t in result[1]] == list(expected)
    for name, dtype, shape, values, digest in result[1]:
        tensor = expected[name].detach()
        assert shape == tuple(tensor.shape), name
        assert dtype == str(tensor.dtype).removeprefix("torch."), name
        assert digest == hashlib.sha256(row_major_bytes(tensor)).digest(), name
        reference = tensor.to(torch.float32).numpy()
        assert np.array_equal(values, reference, equal_nan=True), name
        assert np.array_equal(np.signbit(values), np.signbit(reference)) or np.isnan(reference).any(), name


FLOATS = [torch.float32, torch.float16, torch.bfloat16, torch.float64]
INTEGERS = [torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8]
NEW = [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2]


def state(new=True):
    g = torch.Generator().manual_seed(7)
    out = collections.OrderedDict()
    for dtype in FLOATS:
        out[f"float.{dtype}"] = (torch.randn(3, 5, generator=g) * 1000).to(dtype)
    for dtype in INTEGERS:
        info = torch.iinfo(dtype)
        out[f"int.{dtype}"] = torch.randint(info.min, info.max, (4, 3), generator=g, dtype=dtype)
    out["bool"] = torch.tensor([[True, False], [False, True]])
    if new:
        for dtype in NEW:
            out[f"new.{dtype}"] = torch.randint(0, 200, (7,), generator=g).to(dtype)
    out["scalar"] = torch.tensor(2.6592)
    out["empty"] = torch.zeros(0, 3)
    out["transposed"] = torch.randn(6, 4, generator=g).t()
    base = torch.randn(100, generator=g)
    out["shared.a"] = base[:20].view(4, 5)
    out["shared.b"] = base[10:40:3]
    out["shared.permuted"] = base[40:100].view(3, 4, 5).permute(2, 0, 1)
    out["shared.part"] = base.view(10, 10)[2:5, 3:9]
    out["half.transposed"] = torch.randn(5, 7, generator=g).half().t()
    out["expanded"] = torch.arange(5).expand(3, 5)
    out["position_ids"] = torch.arange(512).expand((1, -1))
    out["parameter"] = torch.nn.Parameter(torch.randn(2, 2, generator=g))
    out["namé.日本"] = torch.ones(1)
    return out


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_torch_zip(lib, tmp_path, protocol):
    torch.save(state(), tmp_path / "w.bin", pickle_protocol=protocol)
    check(lib, tmp_path / "w.bin", state(), "torch zip")


@pytest.mark.parametrize("protocol", [2, 4])
def test_legacy(lib, tmp_path, protocol):
    torch.save(state(), tmp_path / "w.bin", _use_new_zipfile_serialization=False, pickle_protocol=protocol)
    check(lib, tmp_path / "w.bin", state(), "legacy torch")


def test_safetensors(lib, tmp_path):
    tensors = {name: tensor.detach().contiguous().clone() for name, tensor in state().items()}
    save_file(tensors, tmp_path / "w.safetensors", metadata={"format": "pt"})
    # the writer sorts by alignment; order in the file is that of its header
    order = read(lib, tmp_path / "w.safetensors")
    assert not isinstance(order, str), order
    check(lib, tmp_path / "w.safetensors", {t[0]: tensors[t[0]] for t in order[1]}, "safetensors")
    assert sorted(t[0] for t in order[1]) == sorted(tensors)


def test_every_half_value(lib, tmp_path):
    """All 65,536 bit patterns of the 16-bit floats and all 256 of the 8-bit ones become what torch makes of them."""
    bits = torch.arange(65536, dtype=torch.int32).to(torch.uint16)
    tensors = {"f16": bits.view(torch.float16), "bf16": bits.view(torch.bfloat16)}
    bytes_ = torch.arange(256, dtype=torch.int32).to(torch.uint8)
    tensors["e4m3"] = bytes_.view(torch.float8_e4m3fn)
    tensors["e5m2"] = bytes_.view(torch.float8_e5m2)
    tensors = {k: v.clone() for k, v in tensors.items()}
    save_file(tensors, tmp_path / "w.safetensors")
    form, found = read(lib, tmp_path / "w.safetensors")
    assert len(found) == 4
    for name, _, _, values, _ in found:
        reference = tensors[name].to(torch.float32).numpy()
        assert np.array_equal(values, reference, equal_nan=True), name
        assert np.array_equal(np.signbit(values), np.signbit(reference)), name


def test_module_with_metadata(lib, tmp_path):
    """A module's own state dict: OrderedDict, _metadata, buffers."""
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Linear(4, 2, bias=False))
    for kwargs in ({}, {"_use_new_zipfile_serialization": False}):
        torch.save(module.state_dict(), tmp_path / "w.pth", **kwargs)
        check(lib, tmp_path / "w.pth", module.state_dict(), "legacy torch" if kwargs else "torch zip")


class Config:  # stands for an OmegaConf object: unknown to the reader
    def __init__(self, inner):
        self.content, self.parent = inner, self


class Odd(dict):
    pass


def checkpoint(tensors):
    odd = Odd(lr=1e-3)
    odd.parent = odd
    return {
        "epoch": 12,
        "state_dict": tensors,
        "hyper_parameters": Config({"a": [1, 2.5, None, True, 2**70, "x", b"y", {3}, frozenset([4])], "b": odd}),
        "odd": odd,
        "lr_schedulers": [{"last_lr": [0.1]}],
        "path": pathlib.PurePosixPath("/x"),
        "numpy": np.float64(3),
        "date": complex(1, 2),
    }


@pytest.mark.parametrize("protocol", [2, 4])
def test_nested_with_unknown_classes(lib, tmp_path, protocol):
    tensors = {"module.visual.weight": torch.arange(6.0).view(2, 3), "module.bias": torch.ones(3)}
    torch.save(checkpoint(tensors), tmp_path / "w.ckpt", pickle_protocol=protocol)
    check(lib, tmp_path / "w.ckpt", {f"state_dict.{k}": v for k, v in tensors.items()}, "torch zip")
    stripped = {k.removeprefix("module."): v for k, v in tensors.items()}
    check(lib, tmp_path / "w.ckpt", stripped, "torch zip", narrow="state_dict.module.")
    assert read(lib, tmp_path / "w.ckpt", narrow="model.") == (
        f"{tmp_path}/w.ckpt: no tensor's name begins with 'model.'"
    )


INSIDE = ["state_dict.gloria.", "state_dict.module.", "state_dict.", "model.", "module.", ""]


@pytest.mark.parametrize("wrapper", ["gloria", "parallel", "diffusion", "blip", "cxr-clip.tar", "prefix", "bare", "parameters"])
def test_wrappers(lib, tmp_path, wrapper):
    """One list of prefixes reads every way in which the same tensors are published; what stands beside them is passed over."""
    tensors = {"visual.proj": torch.arange(6.0).view(2, 3), "logit_scale": torch.tensor(4.6), "scale1": torch.tensor([4.6])}
    prefixed = lambda prefix: {prefix + k: v for k, v in tensors.items()}  # noqa: E731
    optimizer = {"state": {0: {"step": 3, "exp_avg": torch.ones(2)}}, "param_groups": [{"lr": 1e-4, "params": [0]}]}
    saved = {
        "gloria": checkpoint(prefixed("gloria.")),
        "parallel": {"epoch": 3, "name": "run", "state_dict": prefixed("module."), "optimizer": optimizer, "scaler": {}},
        "diffusion": {"global_step": 470000, "state_dict": tensors, "callbacks": {Config: {"best": torch.tensor(0.5)}}},
        "blip": {"model": tensors, "optimizer": optimizer, "config": {"vit": "base"}, "epoch": 1},
        "cxr-clip.tar": {"model": tensors, "config": Config({"a": 1}), "epoch": 9, "scheduler": {"last_lr": [0.1]}},
        "prefix": prefixed("module."),
        "bare": tensors,
        "parameters": {k: torch.nn.Parameter(v) for k, v in tensors.items()},
    }[wrapper]
    for how in ({}, {"_use_new_zipfile_serialization": False}):
        torch.save(saved, tmp_path / "w", **how)
        check(lib, tmp_path / "w", tensors, "legacy torch" if how else "torch zip", narrow=INSIDE)
    assert read(lib, tmp_path / "w", narrow=["x.", "y."]) == f"{tmp_path}/w: no tensor's name begins with 'x.' or 'y.'"


def test_optimizer_and_lists(lib, tmp_path):
    saved = {"optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}}, "list": [torch.zeros(1), 5, (torch.ones(1),)]}
    torch.save(saved, tmp_path / "w.pt")
    expected = {
        "optimizer.state.0.exp_avg": torch.ones(2),
        "list.0": torch.zeros(1),
        "list.2.0": torch.ones(1),
    }
    check(lib, tmp_path / "w.pt", expected, "torch zip")
    torch.save(torch.arange(3), tmp_path / "t.pt")
    check(lib, tmp_path / "t.pt", {"tensor": torch.arange(3)}, "torch zip")


def test_tensor_with_attributes(lib, tmp_path):
    """_rebuild_from_type_v2 and _rebuild_parameter_with_state."""
    parameter = torch.nn.Parameter(torch.arange(4.0))
    parameter.note = "x"
    tensor = torch.arange(5)
    tensor.note = "y"
    torch.save({"p": parameter, "t": tensor}, tmp_path / "w.pt")
    check(lib, tmp_path / "w.pt", {"p": torch.arange(4.0), "t": torch.arange(5)}, "torch zip")


def test_zip64(lib, tmp_path):
    """The same entries written again with ZIP64 records in every local header and in the directory."""
    torch.save(state(), tmp_path / "w.pt")
    limit, count = zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT
    try:
        zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = 0, 0
        with zipfile.ZipFile(tmp_path / "w.pt") as old, zipfile.ZipFile(tmp_path / "64.pt", "w") as new:
            for name in old.namelist():
                with new.open(zipfile.ZipInfo(name), "w", force_zip64=True) as entry:
                    entry.write(old.read(name))
    finally:
        zipfile.ZIP64_LIMIT, zipfile.ZIP_FILECOUNT_LIMIT = limit, count
    assert b"PK\x06\x06" in (tmp_path / "64.pt").read_bytes()
    check(lib, tmp_path / "64.pt", state(), "torch zip")


def test_zip64_beyond_4_gib(lib, tmp_path):
    """A storage of 5 GiB (a hole: nothing of it is read when the file is opened) and, behind it, tensors and pickle."""
    hole = 5 << 30
    torch.save({"big": torch.zeros(2), "behind": torch.arange(3.0)}, tmp_path / "w.pt")
    with zipfile.ZipFile(tmp_path / "w.pt") as old:
        entries = {name: old.read(name) for name in old.namelist()}
    pickled = entries["w/data.pkl"]
    # the first storage gets the size of the hole: its count is the last number of its persistent id
    count = pickled.index(b"K\x02tq")
    entries["w/data.pkl"] = pickled[:count] + b"\x8a\x08" + struct.pack("<q", hole // 4) + pickled[count + 2 :]
    directory = b""
    with open(tmp_path / "big.pt", "wb") as out:
        for name in sorted(entries, key=lambda n: n != "w/data/0"):
            at, data = out.tell(), entries[name]
            size = hole if name == "w/data/0" else len(data)
            fields = struct.pack("<HHQQQ", 1, 24, size, size, at)
            head = struct.pack("<HHHHHIII", 45, 0, 0, 0, 0, zlib.crc32(data), 0xFFFFFFFF, 0xFFFFFFFF)
            out.write(b"PK\3\4" + head + struct.pack("<HH", len(name), 20) + name.encode() + fields[:2] + b"\x10\0" + fields[4:20])
            out.seek(at + 50 + len(name) + size) if size == hole else out.write(data)
            directory += b"PK\1\2" + struct.pack("<H", 45) + head + struct.pack("<HHHHHII", len(name), 28, 0, 0, 0, 0, 0xFFFFFFFF)
            directory += name.encode() + fields
        at, n = out.tell(), len(entries)
        out.write(directory + b"PK\6\6" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, n, n, len(directory), at))
        out.write(b"PK\6\7" + struct.pack("<IQI", 0, at + len(directory), 1))
        out.write(b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))
    assert (tmp_path / "big.pt").stat().st_blocks * 512 < 1 << 20, "the file system keeps no holes"
    assert zipfile.ZipFile(tmp_path / "big.pt").getinfo("w/data.pkl").header_offset > 1 << 32
    check(lib, tmp_path / "big.pt", {"big": torch.zeros(2), "behind": torch.arange(3.0)}, "torch zip")


def repack(path, target, change):
    """Writes the ZIP again with entries that change(name, bytes) gives: (bytes, method) or None."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            entry = change(name, old.read(name))
            if entry is not None:
                new.writestr(zipfile.ZipInfo(name), entry[0], compress_type=entry[1])


def test_refusals_of_changed_archives(lib, tmp_path):
    path = tmp_path / "w.pt"
    torch.save({"a": torch.arange(4.0)}, path)

    def refusal(change):
        repack(path, tmp_path / "x.pt", change)
        message = read(lib, tmp_path / "x.pt")
        assert isinstance(message, str)
        return message.removeprefix(f"{tmp_path}/x.pt: ")

    stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
    assert refusal(lambda n, b: (b, deflated if n.endswith("data/0") else stored)) == (
        "tensor 'a': zip: entry 'w/data/0' is compressed or encrypted; torch.save stores its entries as they are "
        "(pack again with zip -0)"
    )
    assert refusal(lambda n, b: (b[:-1] if n.endswith("data/0") else b, stored)) == (
        "tensor 'a': zip: entry 'w/data/0' has 15 bytes, its storage of 4 elements has 16"
    )
    assert refusal(lambda n, b: None if n.endswith("data/0") else (b, stored)) == (
        "tensor 'a': zip: no entry 'w/data/0' for its storage"
    )
    assert refusal(lambda n, b: (b"big" if n.endswith("byteorder") else b, stored)) == (
        "was written on a big-endian machine, which is not supported"
    )
    assert refusal(lambda n, b: None if n.endswith(".pkl") else (b, stored)) == (
        "is a ZIP without data.pkl, not a file of torch.save"
    )
    with zipfile.ZipFile(tmp_path / "outer.zip", "w") as outer:
        outer.write(path, "pytorch_model.bin")
    assert read(lib, tmp_path / "outer.zip") == (
        f"{tmp_path}/outer.zip: is a ZIP around 'pytorch_model.bin', not the weight file itself "
        "(unpack it, or use models pull)"
    )


def test_refuses_other_kinds(lib, tmp_path):
    torch.save(Config({"a": torch.ones(1)}), tmp_path / "object.pt")
    assert read(lib, tmp_path / "object.pt") == (
        f"{tmp_path}/object.pt: holds a pickled {Config.__module__}.Config, expected a state dict or a module "
        "(save model.state_dict() instead)"
    )
    torch.save({"z": torch.ones(2, dtype=torch.complex64)}, tmp_path / "complex.pt")
    assert read(lib, tmp_path / "complex.pt") == (
        f"{tmp_path}/complex.pt: tensor 'z': storages of class torch.ComplexFloatStorage are not supported"
    )
    torch.save({"s": torch.eye(3).to_sparse()}, tmp_path / "sparse.pt")
    assert read(lib, tmp_path / "sparse.pt") == (
        f"{tmp_path}/sparse.pt: tensor 's': made by torch._utils._rebuild_sparse_tensor, which is not supported"
    )
    (tmp_path / "plain.pkl").write_bytes(pickle.dumps({"a": 1}))
    assert read(lib, tmp_path / "plain.pkl") == f"{tmp_path}/plain.pkl: is a pickle, but not one of torch.save"


# --- modules saved whole ---


def check_in_any_order(lib, path, expected, form="torch zip", narrow=None):
    """As check(); the tensors of a TorchScript archive stand in the order of its attributes."""
    result = read(lib, path, narrow)
    assert not isinstance(result, str), result
    assert sorted(t[0] for t in result[1]) == sorted(expected)
    check(lib, path, {t[0]: expected[t[0]] for t in result[1]}, form, narrow)


def openai_clip(kind):
    """OpenAI's own model class, small, with the three scalars of the published archives; parameters as
    convert_weights leaves them: float16 and float32."""
    torch.manual_seed(3)
    layers, patch = (2, 8) if kind == "vit" else ((1, 2, 1, 1), None)
    model = clip.model.CLIP(24, 64, layers, 64, patch, 11, 50, 64, 1, 2).eval()
    del model.context_length, model.vocab_size
    for name, value in {"input_resolution": 64, "context_length": 11, "vocab_size": 50}.items():
        model.register_buffer(name, torch.tensor(value))
    clip.model.convert_weights(model)
    return model


@pytest.mark.parametrize("kind", ["vit", "resnet"])
def test_traced_openai_clip(lib, tmp_path, kind):
    """The form of the published files: every tensor that torch.jit.load finds, float16 kept."""
    model = openai_clip(kind)
    texts = torch.randint(0, 50, (1, 11))
    torch.jit.trace(model, (torch.randn(1, 3, 64, 64), texts), check_trace=False).save(tmp_path / "w.pt")
    loaded = torch.jit.load(tmp_path / "w.pt").state_dict()
    assert sorted(loaded) == sorted(model.state_dict())
    assert {t.dtype for t in loaded.values()} >= {torch.float16, torch.float32, torch.int64}
    assert loaded["logit_scale"].shape == loaded["input_resolution"].shape == ()
    check_in_any_order(lib, tmp_path / "w.pt", loaded)


class Scripted(torch.nn.Module):
    """Attributes of every kind beside the parameters."""

    sizes: list[int]
    names: dict[str, int]

    def __init__(self):
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU())
        self.head = torch.nn.ModuleList([torch.nn.Linear(4, 2), torch.nn.Linear(2, 2, bias=False)])
        self.register_buffer("ids", torch.arange(5))
        self.scale = torch.nn.Parameter(torch.tensor(2.5))
        self.sizes, self.names, self.word, self.pair = [1, 2], {"a": 1}, "word", (1.5, True)

    def forward(self, x):
        x = self.body(x).mean((2, 3)) * self.scale
        for layer in self.head:
            x = layer(x)
        return x + len(self.sizes) + self.names["a"] + self.pair[0] + len(self.word)


def test_scripted_module(lib, tmp_path):
    torch.jit.save(torch.jit.script(Scripted()), tmp_path / "w.pt")
    loaded = torch.jit.load(tmp_path / "w.pt").state_dict()
    assert len(loaded) == 12
    check_in_any_order(lib, tmp_path / "w.pt", loaded)


def test_script_with_packed_code(lib, tmp_path):
    """Code and constants may be compressed: nobody reads them. The pickle may not be."""
    torch.jit.save(torch.jit.script(Scripted()), tmp_path / "w.pt")
    loaded = torch.jit.load(tmp_path / "w.pt").state_dict()
    stored, deflated = zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED
    unread = lambda name: "/code/" in name or "constants" in name  # noqa: E731
    repack(tmp_path / "w.pt", tmp_path / "x.pt", lambda n, b: (b, deflated if unread(n) else stored))
    check_in_any_order(lib, tmp_path / "x.pt", loaded)


class Nested(torch.nn.Module):
    """What a pickled module may hold: a buffer that is not saved, absent parameters, lists of modules, tied ones."""

    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.ModuleList([torch.nn.Linear(3, 3, bias=False), torch.nn.BatchNorm1d(3, affine=False)])
        self.attention = torch.nn.MultiheadAttention(4, 2, bias=False)
        self.tied = self.blocks[0]
        self.table = torch.nn.ParameterDict({"a": torch.nn.Parameter(torch.ones(2))})
        self.register_buffer("kept", torch.arange(3))
        self.register_buffer("left_out", torch.arange(4), persistent=False)
        self.register_parameter("none", None)
        self.plain = torch.ones(7)  # no parameter
        self.config = Config({"size": 3})


@pytest.mark.parametrize("form", ["torch zip", "legacy torch"])
@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pickled_module(lib, tmp_path, form, protocol):
    """torch.save(module): the names, order and tensors of its state_dict()."""
    how = {"pickle_protocol": protocol, "_use_new_zipfile_serialization": form == "torch zip"}
    for module in (Nested(), torch.nn.DataParallel(Nested())):
        state = module.state_dict()
        assert not any("left_out" in name or "plain" in name for name in state)
        torch.save(module, tmp_path / "w.pt", **how)
        check(lib, tmp_path / "w.pt", state, form)
    torch.save({"model": module, "epoch": 3}, tmp_path / "w.pt", **how)
    check(lib, tmp_path / "w.pt", {f"model.{k}": v for k, v in state.items()}, form)


@pytest.mark.parametrize("form", ["torch zip", "legacy torch"])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_pickled_densenet(lib, tmp_path, form):
    """The class whose objects torchxrayvision publishes, as it lies in its files (published ones are from before torch 1.6)."""
    torch.manual_seed(4)
    module = torchxrayvision.models.DenseNet(weights=None, growth_rate=4, block_config=(1, 2, 1, 1), num_init_features=8)
    torch.save(module, tmp_path / "w.pt", _use_new_zipfile_serialization=form == "torch zip")
    check(lib, tmp_path / "w.pt", module.state_dict(), form)


# --- checkpoints in several files ---


@pytest.mark.parametrize("safe", [True, False])
def test_sharded(lib, tmp_path, safe):
    """As transformers writes it: the tensors that its own reader finds, each from its file; the digest is that of sha256sum's lines."""
    torch.manual_seed(5)
    size = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24, "vocab_size": 60}
    model = transformers.BertModel(transformers.BertConfig(**size, max_position_embeddings=20))
    model.save_pretrained(tmp_path, max_shard_size="6KB", safe_serialization=safe)
    index = tmp_path / ("model.safetensors.index.json" if safe else "pytorch_model.bin.index.json")
    shards = sorted(set(json.loads(index.read_text())["weight_map"].values()))
    assert len(shards) >= 3
    expected = {}
    for shard in shards:
        expected |= load_file(tmp_path / shard) if safe else torch.load(tmp_path / shard)
    assert {k: v.shape for k, v in expected.items()} == {k: v.shape for k, v in model.state_dict().items() if k in expected}
    check_in_any_order(lib, index, expected, "safetensors" if safe else "torch zip")
    sha256 = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()  # noqa: E731
    lines = "".join(f"{sha256(tmp_path / shard)}  {shard}\n" for shard in shards)
    digest, err = ctypes.create_string_buffer(32), Error()
    assert lib.mdp_weights_sha256_of_file(str(index).encode(), digest, ctypes.byref(err)) == 0
    assert digest.raw == hashlib.sha256(lines.encode()).digest()
    assert lib.mdp_weights_sha256_of_file(str(tmp_path / shards[0]).encode(), digest, ctypes.byref(err)) == 0
    assert digest.raw.hex() == sha256(tmp_path / shards[0])


def test_refused_indexes(lib, tmp_path):
    a, b, index = tmp_path / "a.safetensors", tmp_path / "b.safetensors", tmp_path / "model.safetensors.index.json"
    save_file({"x": torch.ones(2), "unlisted": torch.ones(1)}, a)
    save_file({"y": torch.ones(3), "x": torch.zeros(2)}, b)

    def result(weight_map, **more):
        index.write_text(json.dumps({"metadata": {"total_size": 20}, "weight_map": weight_map, **more}))
        return read(lib, index)

    assert [t[0] for t in result({"x": a.name, "y": b.name})[1]] == ["x", "y"]
    assert result({"x": b.name})[1][0][3].tolist() == [0, 0]  # of the file that the index names
    assert result({"z": a.name, "y": b.name}) == f"{index}: tensor 'z' is not in '{a.name}', where the index has it"
    assert result({"x": a.name, "y": a.name, "unlisted": b.name}) == (
        f"{index}: tensor 'unlisted' is not in '{b.name}', where the index has it (it is in '{a.name}')"
    )
    assert result({"x": "c.safetensors"}) == (
        f"{tmp_path}/c.safetensors: is not there, but the index beside it names it (1 files in all)"
    )
    for name in ("", ".", "..", "../a.safetensors", "/etc/passwd", f"sub/{a.name}"):
        assert result({"x": name}) == (
            f"{index}: weight_map: tensor 'x' is in '{name}', expected the name of a file in the index's folder"
        )
    assert result({"x": 3}) == f"{index}: weight_map: the file of tensor 'x' is no text"
    none = f"{index}: is JSON without a weight_map, not the index of a checkpoint in several files"
    assert result({}) == result([]) == none
    for text in ("{}", '  {"model_type": "clip"}'):
        index.write_text(text)
        assert read(lib, index) == none
    assert result({"x": index.name}).startswith(f"{index}: is of no known format")
    index.write_text('{"weight_map": {"x": "a.safetensors",')
    assert read(lib, index).startswith(f"{index}: index: line 1, byte ")


def test_expanded_without_bound(lib, tmp_path):
    """A stride of 0 may repeat one element 2**40 times; reading it would never end."""
    torch.save({"bomb": torch.zeros(1).expand(2**40)}, tmp_path / "w.pt")
    size = (tmp_path / "w.pt").stat().st_size
    assert read(lib, tmp_path / "w.pt") == (
        f"{tmp_path}/w.pt: tensor 'bomb': the tensors up to it repeat the file's {size} bytes more than 4 times"
    )


def test_nothing_is_executed(lib, tmp_path):
    """A pickle that would make a file when loaded by Python."""

    class Evil:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "made"),))

    torch.save({"evil": Evil(), "a": torch.ones(1)}, tmp_path / "w.pt")
    check(lib, tmp_path / "w.pt", {"a": torch.ones(1)}, "torch zip")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_damaged_files_end_cleanly(lib, tmp_path, kind):
    """Every cut and many changed bytes: read as before, or refused with one line; never a crash."""
    tensors = {"a.weight": torch.arange(12.0).view(3, 4).t(), "b": torch.ones(2, dtype=torch.int64)}
    out = io.BytesIO()
    if kind == "safetensors":
        save_file({k: v.contiguous() for k, v in tensors.items()}, tmp_path / "w")
        good = (tmp_path / "w").read_bytes()
    else:
        torch.save(tensors, out, _use_new_zipfile_serialization=kind == "zip")
        good = out.getvalue()
    random = np.random.default_rng(3)
    path = tmp_path / "damaged"
    refused = 0
    for trial in range(1500):
        bad = bytearray(good)
        if trial % 3 == 0:
            bad = bad[: random.integers(0, len(bad))]
        else:
            for _ in range(random.integers(1, 4)):
                bad[random.integers(0, len(bad))] = random.integers(0, 256)
        path.write_bytes(bad)
        result = read(lib, path)
        if isinstance(result, str):
            refused += 1
            assert result.startswith(f"{path}: "), result
    assert refused >= 500  # every cut at the least
