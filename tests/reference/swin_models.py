# SPDX-License-Identifier: BSD-3-Clause
"""Random Swin models: transformers' SwinModel with a projection, and the same weights and sizes for medprobe."""

import ctypes

import numpy as np
import torch
from safetensors.torch import save_file
from transformers import SwinConfig, SwinModel

import towers_lib

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
    """Float inputs of the shape that `sizes` asks for."""
    size = sizes["image_size"]
    return towers_lib.pictures(n, (sizes["num_channels"], *((size, size) if isinstance(size, int) else size)), seed)


class Tower(towers_lib.ImageTower):
    @property
    def kernel(self):
        self.lib.mdp_image_tower_kernel.restype = ctypes.c_char_p
        return self.lib.mdp_image_tower_kernel(self.tower).decode()


def save(reference, path):
    save_file(tensors(reference), path)
    return str(path)
