# SPDX-License-Identifier: BSD-3-Clause
"""Random Swin models: transformers' SwinModel with a projection, and the same weights and sizes for medprobe."""

import ctypes
import os

import medprobe_lib
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import SwinConfig, SwinModel

PREFIX = "vision_model.model."
PROJECTION = "vision_model.projection_head.weight"

# The published shape of MedCLIP-ViT's image tower.
PUBLISHED = dict(image_size=224, patch_size=4, num_channels=3, embed_dim=96, depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24],
                 window_size=7, mlp_ratio=4.0, layer_norm_eps=1e-5, qkv_bias=True)


class Reference(torch.nn.Module):
    """SwinModel, and a projection without bias where width is given."""

    def __init__(self, sizes, width):
        super().__init__()
        self.model = SwinModel(SwinConfig(drop_path_rate=0.0, **sizes))
        self.projection = torch.nn.Linear(self.model.num_features, width, bias=False) if width else None

    def forward(self, pixels):
        pooled = self.model(pixels).pooler_output
        return self.projection(pooled) if self.projection else pooled

    def taps(self, pixels):
        """Name of every stage -> values, by hooks; names as medprobe's taps."""
        found, handles = {}, []

        def keep(name):
            def hook(_module, _inputs, output):
                value = output[0] if isinstance(output, tuple) else output
                found[name] = value[0].detach().reshape(-1, value.shape[-1]).numpy()
            return hook

        handles.append(self.model.embeddings.register_forward_hook(keep("embeddings")))
        for s, stage in enumerate(self.model.encoder.layers):
            for b, block in enumerate(stage.blocks):
                handles.append(block.register_forward_hook(keep(f"layers.{s}.blocks.{b}")))
            if stage.downsample is not None:
                handles.append(stage.downsample.register_forward_hook(keep(f"layers.{s}.downsample")))
        handles.append(self.model.layernorm.register_forward_hook(keep("layernorm")))
        with torch.no_grad():
            pooled = self.model(pixels).pooler_output
            found["pooler"] = pooled.numpy()
            if self.projection:
                found["projection"] = self.projection(pooled).numpy()
        for handle in handles:
            handle.remove()
        return found


def make_reference(sizes, width, seed, gain=1.6):
    """Weights at a scale where pictures differ in the end: matrices keep lengths (standard deviation gain / sqrt(inputs)),
    norms and biases are random too. transformers' own start (0.02, zero biases) gives nearly the same vector for all."""
    generator = torch.Generator().manual_seed(seed)
    reference = Reference(sizes, width).eval()
    with torch.no_grad():
        for name, value in reference.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            if "relative_position_bias_table" in name:
                value.copy_(noise)
            elif value.dim() >= 2:
                value.copy_(noise * gain / np.sqrt(value[0].numel()))
            elif "norm" in name and name.endswith("weight"):
                value.copy_(1 + 0.3 * noise)
            else:
                value.copy_(0.3 * noise)
    return reference


def tensors(reference):
    """The state dict under MedCLIP's names."""
    out = {PREFIX + name: value.contiguous() for name, value in reference.model.state_dict().items()}
    if reference.projection:
        out[PROJECTION] = reference.projection.weight.detach().contiguous()
    return out


def description(sizes, width):
    """The image map of a model's YAML."""
    size = sizes["image_size"]
    lines = {
        "family": "swin", "prefix": f'"{PREFIX}"', "image_size": size if isinstance(size, int) else list(size),
        "patch_size": sizes["patch_size"], "channels": sizes["num_channels"], "embed_dim": sizes["embed_dim"],
        "depths": sizes["depths"], "heads": sizes["num_heads"], "window": sizes["window_size"],
        "mlp_ratio": sizes["mlp_ratio"], "layer_norm_eps": repr(sizes["layer_norm_eps"]),
        "qkv_bias": str(sizes.get("qkv_bias", True)).lower(),
    }
    if width:
        lines.update(output_width=width, projection=f'"{PROJECTION}"')
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


def pictures(n, sizes, seed):
    """Normalised float pictures [n, C, H, W]: soft blobs and noise, each with its own contrast; channels differ."""
    random = np.random.default_rng(seed)
    size = sizes["image_size"]
    h, w = (size, size) if isinstance(size, int) else size
    y, x = np.mgrid[0:h, 0:w]
    out = np.empty((n, sizes["num_channels"], h, w), np.float32)
    for i in range(n):
        for c in range(sizes["num_channels"]):
            grey = random.normal(0, random.uniform(0.05, 0.6), (h, w))
            for _ in range(random.integers(2, 7)):
                cy, cx, r = random.uniform(0, h), random.uniform(0, w), random.uniform(0.05, 0.5) * max(h, w)
                grey += random.normal(0, 1.5) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r * r))
            out[i, c] = np.clip(grey, -2.1, 1.5)
    return out


class Error(ctypes.Structure):
    _fields_ = [("status", ctypes.c_int), ("message", ctypes.c_char * 1024)]


TAP = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(ctypes.c_float), ctypes.c_size_t,
                       ctypes.c_size_t)


class Tower:
    """medprobe's tower through libmedprobe_test.so."""

    def __init__(self, path, yaml, kernel=None):
        self.lib = medprobe_lib.lib()
        for name in ("mdp_image_tower_width", "mdp_image_tower_input_size", "mdp_image_tower_scratch_size"):
            getattr(self.lib, name).restype = ctypes.c_size_t
        for name in ("mdp_image_tower_kernel", "mdp_yaml_root"):
            getattr(self.lib, name).restype = ctypes.c_void_p
        self.error = Error()
        self.doc, self.weights, self.tower = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_void_p()
        self._environment(kernel)
        text = yaml.encode()
        self._try(self.lib.mdp_yaml_parse(text, ctypes.c_size_t(len(text)), b"test.yaml", ctypes.byref(self.doc),
                                          ctypes.byref(self.error)))
        self._try(self.lib.mdp_weights_open(path.encode(), ctypes.byref(self.weights), ctypes.byref(self.error)))
        self._try(self.lib.mdp_image_tower_new(self.doc, ctypes.c_void_p(self.lib.mdp_yaml_root(self.doc)), self.weights,
                                         ctypes.byref(self.tower), ctypes.byref(self.error)))
        self._environment(None)
        self.width = self.lib.mdp_image_tower_width(self.tower)
        self.kernel = ctypes.string_at(self.lib.mdp_image_tower_kernel(self.tower)).decode()
        self.block = np.empty(self.lib.mdp_image_tower_scratch_size(self.tower) + 16, np.float32)

    def _environment(self, kernel):
        # ctypes.CDLL shares the environment of C; os.environ alone would do, but says nothing on unset
        if kernel:
            os.environ["MEDPROBE_KERNEL"] = kernel
        else:
            os.environ.pop("MEDPROBE_KERNEL", None)

    def _try(self, status):
        if status != 0:
            raise ValueError(self.error.message.decode())

    def run(self, picture, tap=None):
        picture = np.ascontiguousarray(picture, np.float32)
        assert picture.size == self.lib.mdp_image_tower_input_size(self.tower)
        features = np.empty(self.width, np.float32)
        scratch = self.block.ctypes.data + (-self.block.ctypes.data) % 64
        self._try(self.lib.mdp_image_tower_run(self.tower, ctypes.c_void_p(picture.ctypes.data), ctypes.c_void_p(scratch),
                                         ctypes.c_void_p(features.ctypes.data), tap or TAP(), None,
                                         ctypes.byref(self.error)))
        return features

    def taps(self, picture):
        found = {}

        def keep(_context, name, values, rows, columns):
            found[name.decode()] = np.ctypeslib.as_array(values, (rows, columns)).copy()

        self.run(picture, TAP(keep))
        return found

    def close(self):
        self.lib.mdp_image_tower_free(self.tower)
        self.lib.mdp_weights_close(self.weights)
        self.lib.mdp_yaml_free(self.doc)


def save(reference, path):
    save_file(tensors(reference), path)
    return str(path)
