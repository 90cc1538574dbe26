# SPDX-License-Identifier: BSD-3-Clause
"""Towers through libmedprobe_test.so, random weights at a scale where pictures differ, and how towers are compared.

    with ImageTower(path, section) as tower: features = tower.run(picture); stages = tower.taps(picture)
    with TextTower(path, section) as tower: features = tower.run(ids, lengths)
"""
import ctypes as c
import os

import numpy as np
import torch
import yaml
from safetensors.torch import save_file

import medprobe_lib

torch.set_num_threads(1)
UNIT_BOUND = 1e-5   # between unit embeddings; what is found is near 1e-7
STAGE_BOUND = 4e-6  # of the stage's largest value
TAP = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p, c.POINTER(c.c_float), c.c_size_t, c.c_size_t)


def unit(x):
    x = np.asarray(x, np.float64)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def redraw(module, seed=0, gain=1.6, shared=1.0):
    """Fresh weights for any torch module: matrices keep lengths (standard deviation gain / sqrt(inputs)), norms, biases and
    embeddings are random, batch statistics too. Libraries' own starts (0.02, zero biases) give nearly the same vector for all.
    `shared` shrinks what all inputs have in common, biases and positions: deep towers with norms behind (BERT) need it."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        statistics = [(n, b) for n, b in module.named_buffers() if n.endswith(("running_mean", "running_var"))]
        for name, value in list(module.named_parameters()) + statistics:
            noise = torch.randn(value.shape, generator=generator)
            if name.endswith("running_var"):
                value.copy_(0.5 + torch.rand(value.shape, generator=generator))
            elif name.endswith("running_mean"):
                value.copy_(0.3 * noise)
            elif value.dim() >= 2 and "embedding" in name or "pos_embed" in name:
                value.copy_(noise)
            elif value.dim() >= 2:
                value.copy_(noise * gain / np.sqrt(value[0].numel()))
            elif value.dim() == 1 and name.endswith("weight"):
                value.copy_(1 + 0.3 * noise)
            elif value.dim() == 1:
                value.copy_(0.3 * noise)
            if name.endswith("bias") or "position" in name:
                value *= shared
    return module.eval()


def settle(module, batch, seed=0):
    """Batch statistics near those of `batch`, as training leaves them: without it a deep network of random weights answers all pictures
    alike. Each is moved at random, so that a mixed-up one is seen."""
    generator = torch.Generator().manual_seed(seed)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over batches
        norm.train()
    with torch.no_grad():
        module(torch.from_numpy(batch))
        for norm in norms:
            norm.eval()
            norm.running_mean += 0.2 * norm.running_var.sqrt() * torch.randn(norm.running_mean.shape, generator=generator)
            norm.running_var += 0.1 * norm.running_var.mean()  # a channel that says nothing is not blown up
            norm.running_var *= 0.7 + 0.6 * torch.rand(norm.running_var.shape, generator=generator)
    return module.eval()


def pictures(n, shape, seed):
    """Float inputs [n, C, H, W]: soft blobs and noise, each with its own contrast; channels differ."""
    random = np.random.default_rng(seed)
    channels, h, w = shape
    y, x = np.mgrid[0:h, 0:w]
    out = np.empty((n, *shape), np.float32)
    for i in range(n):
        for k in range(channels):
            grey = random.normal(0, random.uniform(0.05, 0.6), (h, w))
            for _ in range(random.integers(2, 7)):
                cy, cx, r = random.uniform(0, h), random.uniform(0, w), random.uniform(0.05, 0.5) * max(h, w)
                grey += random.normal(0, 1.5) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r * r))
            out[i, k] = np.clip(grey, -2.1, 1.5)
    return out


def save(state, path):
    """A state dict as safetensors: names as they are; shared tensors are copied."""
    save_file({name: value.detach().clone().contiguous() for name, value in state.items()}, path)
    return str(path)


def assert_close(ours, theirs, bound=UNIT_BOUND, mean_cosine=0.95):
    """Unit embeddings [n, D] of both sides; those of different inputs must differ, else equal ones would say little."""
    ours, theirs = unit(ours), unit(theirs)
    n = len(theirs)
    cosine = (theirs @ theirs.T)[np.triu_indices(n, 1)].mean() if n > 1 else 0
    difference = float(np.abs(ours - theirs).max())
    print(f"{n} inputs: largest difference of unit embeddings {difference:.2e}, mean cosine {cosine:.3f}")
    assert cosine < mean_cosine
    assert difference <= bound
    return difference


def assert_stages(ours, theirs, bound=STAGE_BOUND):
    """Taps of both sides, by name: those of `theirs`, in order, must be among ours with the same shape and values."""
    errors = {}
    for name, expected in theirs.items():
        expected = np.asarray(expected, np.float64)
        assert name in ours, f"no tap {name}, only {list(ours)}"
        assert ours[name].shape == expected.shape, (name, ours[name].shape, expected.shape)
        errors[name] = float(np.abs(ours[name] - expected).max() / np.abs(expected).max())
    if not errors:
        return 0.0
    where = max(errors, key=errors.get)
    print(f"{len(errors)} stages: largest difference {errors[where]:.2e} of the stage's largest value, at {where}")
    assert errors[where] <= bound, (where, errors)
    return errors[where]


class _Tower:
    def __init__(self, path, section, kernel=None):
        self.lib = medprobe_lib.lib()
        self.error = medprobe_lib.Error()
        self.doc, self.weights, self.tower = c.c_void_p(), c.c_void_p(), c.c_void_p()
        self.lib.mdp_yaml_root.restype = c.c_void_p
        text = section if isinstance(section, str) else yaml.safe_dump(section, sort_keys=False)
        text = text.encode()
        if kernel:
            os.environ["MEDPROBE_KERNEL"] = kernel
        try:
            self._try(self.lib.mdp_yaml_parse(text, c.c_size_t(len(text)), b"test.yaml", c.byref(self.doc), c.byref(self.error)))
            self._try(self.lib.mdp_weights_open(str(path).encode(), c.byref(self.weights), c.byref(self.error)))
            self._make(c.c_void_p(self.lib.mdp_yaml_root(self.doc)))
        finally:
            os.environ.pop("MEDPROBE_KERNEL", None)

    def _try(self, status):
        if status != 0:
            raise ValueError(self.error.message.decode())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._free()
        self.lib.mdp_weights_close(self.weights)
        self.lib.mdp_yaml_free(self.doc)

    def unused(self):
        """Name of the first tensor that the tower did not ask for, or None."""
        self.lib.mdp_weights_first_unused.restype = c.c_void_p
        found = self.lib.mdp_weights_first_unused(self.weights, None, c.c_size_t(0))
        return c.cast(found, c.POINTER(c.c_char_p))[0].decode() if found else None


def _collector(found):
    def keep(_context, name, values, rows, columns):
        found.setdefault(name.decode(), np.ctypeslib.as_array(values, (rows, columns)).copy())
    return TAP(keep)


class ImageTower(_Tower):
    """section: the `image` map of a card, as a dict or YAML text."""

    def _make(self, root):
        for name in ("mdp_image_tower_width", "mdp_image_tower_vectors", "mdp_image_tower_input_size", "mdp_image_tower_scratch_size"):
            getattr(self.lib, name).restype = c.c_size_t
        self._try(self.lib.mdp_image_tower_new(self.doc, root, self.weights, c.byref(self.tower), c.byref(self.error)))
        self.width, self.vectors = self.lib.mdp_image_tower_width(self.tower), self.lib.mdp_image_tower_vectors(self.tower)
        # what lies in it must not matter
        self.block = np.full(self.lib.mdp_image_tower_scratch_size(self.tower) + 16, np.nan, np.float32)

    def _free(self):
        self.lib.mdp_image_tower_free(self.tower)

    def run(self, picture, tap=None):
        picture = np.ascontiguousarray(picture, np.float32)
        assert picture.size == self.lib.mdp_image_tower_input_size(self.tower)
        features = np.empty((self.vectors, self.width) if self.vectors else self.width, np.float32)
        scratch = self.block.ctypes.data + (-self.block.ctypes.data) % 64
        self._try(self.lib.mdp_image_tower_run(self.tower, c.c_void_p(picture.ctypes.data), c.c_void_p(scratch),
                                               c.c_void_p(features.ctypes.data), tap or TAP(), None, c.byref(self.error)))
        return features

    def taps(self, picture):
        found = {}
        self.run(picture, _collector(found))
        return found


class TextTower(_Tower):
    """section: the `text` map of a card, as a dict or YAML text."""

    def __init__(self, path, section, kernel=None, pooling=None):
        self.pooling = pooling
        super().__init__(path, section, kernel)

    def _make(self, root):
        self.lib.mdp_text_tower_width.restype = c.c_size_t
        self._try(self.lib.mdp_text_tower_new(self.doc, root, self.pooling.encode() if self.pooling else None, self.weights,
                                              c.byref(self.tower), c.byref(self.error)))
        self.width = self.lib.mdp_text_tower_width(self.tower)

    def _free(self):
        self.lib.mdp_text_tower_free(self.tower)

    def run(self, ids, lengths=None, threads=1, tap=None):
        """ids [T, L], lengths [T] of them used (all by default) -> features [T, D]."""
        ids = np.ascontiguousarray(ids, np.int32)
        lengths = np.ascontiguousarray(np.full(len(ids), ids.shape[1]) if lengths is None else lengths, np.uintp)
        features = np.empty((len(ids), self.width), np.float32)
        self._try(self.lib.mdp_text_tower_run(self.tower, c.c_void_p(ids.ctypes.data), c.c_void_p(lengths.ctypes.data),
                                              c.c_size_t(len(ids)), c.c_size_t(ids.shape[1]), c.c_size_t(threads),
                                              c.c_void_p(features.ctypes.data), tap or TAP(), None, c.byref(self.error)))
        return features

    def taps(self, ids, length=None):
        """Of one text, ids [L]."""
        found = {}
        self.run(np.asarray(ids)[None], None if length is None else [length], tap=_collector(found))
        return found
