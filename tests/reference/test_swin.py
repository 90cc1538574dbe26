# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the Swin tower's numbers, beside transformers' SwinModel, stage by stage and at the end.

MEDPROBE_PARITY_PICTURES=N compares the published shape on N pictures (daily: 8).

The bound on unit embeddings is 5e-6; what is found is near 1e-7, because both sides round in float32: against the same
model in float64 our error must be of the size of torch's own. The bound on a stage is relative to its largest value: each
block adds sums of up to 3,072 products, rounded in different orders.

Faults that this comparison must see are planted in the reference, for good: see test_planted_faults_are_seen.
"""

import os
import threading

import numpy as np
import pytest
import torch
from transformers.models.swin import modeling_swin

from swin_models import PREFIX, PUBLISHED, Tower, description, make_reference, pictures, save, tensors
from safetensors.torch import save_file

UNIT_BOUND = 5e-6
STAGE_BOUND = 4e-6  # of the stage's largest value

torch.set_num_threads(1)


def unit(x):
    x = np.asarray(x, np.float64)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def embed(reference, batch, dtype=torch.float32):
    with torch.no_grad():
        return np.stack([reference(torch.from_numpy(x[None]).to(dtype))[0].numpy() for x in batch])


def largest_stage_error(reference, tower, picture):
    """Over all stages, the largest difference relative to the stage's largest value, and where it is."""
    ours, theirs = tower.taps(picture), reference.taps(torch.from_numpy(picture[None]))
    assert list(ours) == list(theirs)  # the same stages in the same order
    errors = {}
    for name, expected in theirs.items():
        assert ours[name].shape == expected.shape, name
        errors[name] = float(np.abs(ours[name] - expected).max() / np.abs(expected).max())
    where = max(errors, key=errors.get)
    return errors[where], where


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    reference = make_reference(PUBLISHED, 512, seed=0)
    path = save(reference, tmp_path_factory.mktemp("swin") / "model.safetensors")
    tower = Tower(path, description(PUBLISHED, 512))
    yield reference, tower, path
    tower.close()


def test_published_shape(published):
    reference, tower, _ = published
    batch = pictures(int(os.environ.get("MEDPROBE_PARITY_PICTURES", 8)), PUBLISHED, seed=1)
    ours, theirs = unit([tower.run(x) for x in batch]), unit(embed(reference, batch))
    cosines = theirs @ theirs.T
    mean_cosine = cosines[np.triu_indices(len(batch), 1)].mean()
    difference = np.abs(ours - theirs).max()
    print(f"{len(batch)} pictures, kernel {tower.kernel}: largest difference {difference:.2e}, mean cosine {mean_cosine:.3f}")
    assert mean_cosine < 0.9  # else equal embeddings would say little
    assert difference <= UNIT_BOUND


def test_error_is_that_of_float32(published):
    reference, tower, _ = published
    batch = pictures(4, PUBLISHED, seed=2)
    ours, theirs = unit([tower.run(x) for x in batch]), unit(embed(reference, batch))
    exact = unit(embed(reference.double(), batch, torch.float64))
    reference.float()
    own, torch_own = np.abs(ours - exact).max(), np.abs(theirs - exact).max()
    print(f"against float64: ours {own:.2e}, torch's {torch_own:.2e}")
    assert own <= 2 * torch_own


def test_published_shape_by_stage(published):
    reference, tower, _ = published
    error, where = largest_stage_error(reference, tower, pictures(1, PUBLISHED, seed=3)[0])
    assert error <= STAGE_BOUND, where


def test_portable_kernels(published):
    reference, _, path = published
    tower = Tower(path, description(PUBLISHED, 512), kernel="portable")
    assert tower.kernel.startswith("openblas-")
    error, where = largest_stage_error(reference, tower, pictures(1, PUBLISHED, seed=4)[0])
    assert error <= STAGE_BOUND, where
    tower.close()


SMALL = dict(patch_size=4, num_channels=3, embed_dim=32, depths=[2, 2], num_heads=[2, 4], window_size=4, mlp_ratio=4.0,
             layer_norm_eps=1e-5, image_size=64)

OTHER_SHAPES = {
    "no projection": (SMALL, None),
    "map is no multiple of the window, odd when merged": (dict(SMALL, image_size=(50, 38)), 20),
    "picture is no multiple of the patch": (dict(SMALL, image_size=(65, 67)), 16),
    "padding in one direction only": (dict(SMALL, image_size=(64, 84)), 16),
    "one window in one direction: no shift": (dict(SMALL, image_size=(16, 64), depths=[3]) | {"num_heads": [2]}, 8),
    "map equals the window": (dict(SMALL, image_size=16, depths=[2], num_heads=[1]), None),
    "one stage": (dict(SMALL, depths=[3], num_heads=[4]), 16),
    "five blocks, three stages, odd window": (
        dict(SMALL, depths=[5, 1, 2], num_heads=[1, 2, 8], window_size=3, image_size=(52, 76)), 33),
    "window 1: no shift": (dict(SMALL, window_size=1, image_size=24), 16),
    "window 2": (dict(SMALL, window_size=2, image_size=28), 16),
    "one channel, patch 2": (dict(SMALL, num_channels=1, patch_size=2, image_size=34), 16),
    "width and heads that fill no vector": (
        dict(SMALL, embed_dim=27, num_heads=[3, 9], mlp_ratio=2.3, image_size=(44, 40)), 13),
    "no bias of query, key and value": (dict(SMALL, qkv_bias=False), 16),
    "eps 1e-2": (dict(SMALL, layer_norm_eps=1e-2), 16),
    "window 12": (dict(SMALL, window_size=12, image_size=(112, 100), num_heads=[1, 2]), 16),
}


@pytest.mark.parametrize("kernel", ["portable", None])
@pytest.mark.parametrize("name", OTHER_SHAPES)
def test_other_shapes(tmp_path, name, kernel):
    sizes, width = OTHER_SHAPES[name]
    reference = make_reference(sizes, width, seed=len(name))
    tower = Tower(save(reference, tmp_path / "model.safetensors"), description(sizes, width), kernel=kernel)
    for picture in pictures(2, sizes, seed=5):
        error, where = largest_stage_error(reference, tower, picture)
        assert error <= STAGE_BOUND, where
    tower.close()


def forward_roll(monkeypatch, reference):
    roll = torch.roll
    monkeypatch.setattr(torch, "roll", lambda x, shifts, dims: roll(x, tuple(-s for s in shifts), dims))


def no_mask(monkeypatch, reference):
    monkeypatch.setattr(modeling_swin.SwinLayer, "get_attn_mask", lambda *a, **k: None)


def transposed_index(monkeypatch, reference):
    for module in reference.modules():
        if isinstance(module, modeling_swin.SwinSelfAttention):
            module.relative_position_index = module.relative_position_index.T.contiguous()


def swapped_neighbours(monkeypatch, reference):
    """Merging in (0,0), (0,1), (1,0), (1,1) order: columns before rows."""
    with torch.no_grad():
        for stage in reference.model.encoder.layers:
            if stage.downsample is not None:
                for value in (stage.downsample.norm.weight, stage.downsample.norm.bias, stage.downsample.reduction.weight):
                    a, b, c, d = value.chunk(4, dim=-1)
                    value.copy_(torch.cat([a, c, b, d], dim=-1))


def no_padding_in_attention(monkeypatch, reference):
    """A padded token that is zero before the norm, not after it."""
    pad = modeling_swin.SwinLayer.maybe_pad

    def padded(self, hidden, height, width):
        out, values = pad(self, hidden, height, width)
        out[:, height:] = self.layernorm_before.bias
        out[:, :, width:] = self.layernorm_before.bias
        return out, values

    monkeypatch.setattr(modeling_swin.SwinLayer, "maybe_pad", padded)


def tanh_gelu(monkeypatch, reference):
    for module in reference.modules():
        if isinstance(module, modeling_swin.SwinIntermediate):
            module.intermediate_act_fn = torch.nn.GELU(approximate="tanh")


@pytest.mark.parametrize("fault", [forward_roll, no_mask, transposed_index, swapped_neighbours, no_padding_in_attention,
                                   tanh_gelu])
def test_planted_faults_are_seen(tmp_path, monkeypatch, fault):
    sizes = dict(SMALL, image_size=(72, 60))
    reference = make_reference(sizes, 16, seed=9)
    tower = Tower(save(reference, tmp_path / "model.safetensors"), description(sizes, 16))
    picture = pictures(1, sizes, seed=6)[0]
    assert largest_stage_error(reference, tower, picture)[0] <= STAGE_BOUND
    fault(monkeypatch, reference)
    assert largest_stage_error(reference, tower, picture)[0] > 10 * STAGE_BOUND
    tower.close()


def test_bytes_do_not_depend_on_threads_or_denormals(published):
    _, tower, path = published
    batch = pictures(6, PUBLISHED, seed=7)
    alone = [tower.run(x).tobytes() for x in batch]
    together = [None] * len(batch)

    def work(first):
        torch.set_flush_denormal(True)  # of this thread, as medprobe's own threads have it
        own = Tower(path, description(PUBLISHED, 512))
        for i in range(first, len(batch), 2):
            together[i] = own.run(batch[i]).tobytes()
        own.close()

    threads = [threading.Thread(target=work, args=(first,)) for first in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


def refused(reference, tmp_path, text, change=lambda weights: None):
    weights = tensors(reference)
    change(weights)
    path = str(tmp_path / "model.safetensors")
    save_file(weights, path)
    with pytest.raises(ValueError) as error:
        Tower(path, text)
    return str(error.value)


def test_weights_that_do_not_fit_are_refused(tmp_path):
    reference = make_reference(SMALL, 16, seed=1)
    text = description(SMALL, 16)
    block = PREFIX + "encoder.layers.1.blocks.0."

    def drop(weights):
        del weights[block + "attention.self.key.bias"]

    def reshape(weights):
        weights[block + "intermediate.dense.weight"] = torch.zeros(256, 65)

    def permute(weights):
        index = weights[block + "attention.self.relative_position_index"]
        index[0, 1] = 7

    assert block + "attention.self.key.bias" in refused(reference, tmp_path, text, drop)
    message = refused(reference, tmp_path, text, reshape)
    assert block + "intermediate.dense.weight" in message and "65" in message and "64" in message
    message = refused(reference, tmp_path, text, permute)
    assert "relative_position_index is 7 for query 0 and key 1 (expected 23" in message


@pytest.mark.parametrize("old, new, expected", [
    ("family: swin", "family: swim", "test.yaml: line 1: no family of image towers 'swim' (did you mean 'swin'?)"),
    ("window: 4", "window: 17", "stage 0 of the image tower has a map of 16 x 16 tokens, smaller than its window of 17"),
    ("heads: [2, 4]", "heads: [2, 5]", "line 8: heads of stage 1: 64 channels are no multiple of 5"),
    ("heads: [2, 4]", "heads: [2]", "line 8: heads has 1 entries (expected 2, as many as depths)"),
    ("depths: [2, 2]", "depths: []", "line 7: depths has 0 entries (expected 1 to 8, one a stage)"),
    ("window: 4", "windw: 4", "windw"),
    ("image_size: 64", "image_size: [64, 64, 64]", "line 3: image_size is no number and no [height, width]"),
    ("mlp_ratio: 4.0", "mlp_ratio: 0", "line 10: mlp_ratio is 0 (expected 0.01 to 64)"),
])
def test_descriptions_that_do_not_fit_are_refused(tmp_path, old, new, expected):
    text = description(SMALL, 16)
    assert old in text
    assert expected in refused(make_reference(SMALL, 16, seed=1), tmp_path, text.replace(old, new))


def test_output_that_is_not_finite_is_refused(tmp_path):
    tower = Tower(save(make_reference(SMALL, 16, seed=1), tmp_path / "m.safetensors"), description(SMALL, 16))
    picture = pictures(1, SMALL, seed=8)[0]
    picture[0, 5, 5] = np.nan
    with pytest.raises(ValueError, match="the tower's output is not finite"):
        tower.run(picture)
    tower.close()
