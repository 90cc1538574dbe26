# SPDX-License-Identifier: BSD-3-Clause
"""Protects: folders as transformers saves them, by their path: configuration, processor and weights of small random models; embeddings
beside AutoModel's own with its slow image processor, and the refusals.

Bound: 1e-5 of unit embeddings; what is found is near 1e-7. Faults planted here and seen: another filter, another epsilon.
"""
import json

import numpy as np
import pytest
import torch
import transformers
from PIL import Image

import folders_lib as lib
from towers_lib import redraw

transformers.logging.set_verbosity_error()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    at = tmp_path_factory.mktemp("pictures")
    lib.draw(at)
    return at


def read(pictures):
    return [Image.open(pictures / f"{i}.{'png' if i % 2 else 'jpg'}").convert("RGB") for i in range(len(lib.SHAPES))]


def save(folder, model, processor, **redrawn):
    redraw(model, **redrawn).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def slow(folder, pictures):
    processor = transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)
    return processor(images=read(pictures), return_tensors="pt")["pixel_values"]


def pooled(folder, pictures):
    """What AutoModel gives for the pictures: pooler_output, flattened."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return model(slow(folder, pictures)).pooler_output.flatten(1).numpy()


def far(folder, pictures, tmp_path, mended, **changes):
    """A planted fault: with these fields changed, medprobe is far from what the folder gave before."""
    path = folder / mended
    kept = path.read_text()
    path.write_text(json.dumps(json.loads(kept) | changes))
    try:
        return lib.extract(folder, pictures, tmp_path / "fault.h5")[0]
    finally:
        path.write_text(kept)


# ----------------------------------------------------------------------------------------------------------------- Swin
@pytest.fixture(scope="module")
def swin(tmp_path_factory):
    config = transformers.SwinConfig(image_size=64, patch_size=4, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=4)
    processor = transformers.ViTImageProcessor(size={"height": 64, "width": 64}, image_mean=[0.4, 0.5, 0.6])
    return save(tmp_path_factory.mktemp("a") / "swin .", transformers.SwinModel(config), processor)


def test_swin(swin, pictures, tmp_path):
    want = pooled(swin, pictures)
    ours, _, _ = lib.extract(swin, pictures, tmp_path / "s.h5")
    lib.same_pictures(ours, want)
    other = far(swin, pictures, tmp_path, "preprocessor_config.json", resample=3)
    assert np.abs(other - ours).max() > 1e-3
    other = far(swin, pictures, tmp_path, "config.json", layer_norm_eps=1e-2)
    assert np.abs(other - ours).max() > 1e-4


def test_swin_with_a_head_for_classes(swin, pictures, tmp_path):
    """Names begin with `swin.` then, and there is a classifier: AutoModel loads it, and so do we."""
    folder = tmp_path / "head"
    model = transformers.SwinForImageClassification(transformers.SwinConfig.from_pretrained(swin))
    save(folder, model, transformers.AutoImageProcessor.from_pretrained(swin, use_fast=False), seed=4)
    lib.same_pictures(lib.extract(folder, pictures, tmp_path / "s.h5")[0], pooled(folder, pictures))


# ------------------------------------------------------------------------------------------------------------- refusals
def test_refusals_name_field_and_value(swin):
    say = lambda file, **changes: lib.refusal(swin, file, **changes)
    assert "config.json: model_type: 'swim' is not supported (did you mean 'swin'?)" in say("config.json", model_type="swim")
    assert "config.json: model_type: is not there" in say("config.json", model_type=None)
    assert "config.json: hidden_act: 'mish' is not supported" in say("config.json", hidden_act="mish")
    assert "config.json: hidden_act: 'relu' is not supported (expected \"gelu\")" in say("config.json", hidden_act="relu")
    assert "config.json: use_absolute_embeddings: true is not supported" in say("config.json", use_absolute_embeddings=True)
    assert "config.json: is_decoder: true is not supported (expected false)" in say("config.json", is_decoder=True)
    assert "config.json: rope_theta: 10000 is not supported: medprobe does not know this field" in say("config.json", rope_theta=1e4)
    assert "config.json: quantization_config: {...} is not supported" in say("config.json", quantization_config={"bits": 4})
    assert "config.json: embed_dim: -1, expected a whole number" in say("config.json", embed_dim=-1)
    assert "config.json: embed_dim: [2, 3], expected a whole number" in say("config.json", embed_dim=[2, 3])
    assert "config.json: depths: 'x', expected a list" in say("config.json", depths="x")
    assert "config.json: num_heads: [1] is not supported (expected as many as depths)" in say("config.json", num_heads=[1])
    assert "config.json: qkv_bias: 1, expected true or false" in say("config.json", qkv_bias=1)
    assert "config.json: patch_size: [4, 2] is not supported (height and width have to be equal)" in say("config.json", patch_size=[4, 2])
    p = "preprocessor_config.json"
    assert f"{p}: image_processor_type: 'SamImageProcessor' is not supported" in say(p, image_processor_type="SamImageProcessor")
    assert f"{p}: resample: 0 is not supported (1, lanczos; 2, bilinear; 3, bicubic)" in say(p, resample=0)
    assert f"{p}: do_resize: false is not supported" in say(p, do_resize=False)
    assert f"{p}: do_rescale: false is not supported" in say(p, do_rescale=False)
    assert f"{p}: rescale_factor: 0.00784313725 is not supported (expected 1/255)" in say(p, rescale_factor=1 / 127.5)
    assert f"{p}: image_mean: [0.5, 0.5] is not supported (expected three numbers)" in say(p, image_mean=[0.5, 0.5])
    assert f"{p}: size.longest_edge: 64 is not supported" in say(p, size={"height": 64, "width": 64, "longest_edge": 64})
    assert f"{p}: do_pad: true is not supported" in say(p, do_pad=True)


def test_hostile_strings_stay_in_their_place(swin):
    line = lib.refusal(swin, "config.json", **{"x\n\x1b[2J": "y\n: z"})
    assert "config.json: x\\n\\x1b[2J: 'y\\n: z' is not supported" in line and "\x1b" not in line
    assert lib.card(swin)["folder"] == str(swin) and lib.card(swin)["name"] == "swin-."


def test_what_is_missing_is_named(swin, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = lib.medprobe("models", "show", empty)
    assert done.returncode == 1 and "is no model's folder: " in done.stderr and "config.json" in done.stderr
    (empty / "config.json").write_text((swin / "config.json").read_text())
    assert "preprocessor_config.json: is not there" in lib.medprobe("models", "show", empty).stderr
    (empty / "preprocessor_config.json").write_text((swin / "preprocessor_config.json").read_text())
    assert lib.medprobe("models", "show", empty).returncode == 0
    (tmp_path / "m.csv").write_text("path\nx.png\n")
    done = lib.medprobe("extract", "--model", empty, "--manifest", tmp_path / "m.csv", "-o", tmp_path / "s.h5")
    assert done.returncode != 0 and "names no file for its weights (give one with --weights)" in done.stderr
    (empty / "config.json").write_text("[1]")
    assert "config.json: expected an object" in lib.medprobe("models", "show", empty).stderr
    (empty / "config.json").write_text('{"model_type": ')
    assert "config.json: line 1" in lib.medprobe("models", "show", empty).stderr
