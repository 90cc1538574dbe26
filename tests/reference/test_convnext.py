# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the numbers of ConvNeXts, stage by stage and at the end, beside timm, open_clip (its TimmModel: trunk, norm, linear or MLP
projection) and transformers' ConvNextModel and ConvNextV2Model.

MEDPROBE_FULL_SIZE=1 also compares the published sizes of CLIP's.
"""
import os

import numpy as np
import pytest
import timm
import torch
from open_clip.timm_model import TimmModel
from transformers import ConvNextConfig, ConvNextModel, ConvNextV2Config, ConvNextV2Model

from towers_lib import ImageTower, assert_close, assert_stages, pictures, redraw, save, unit

MAP_BOUND = 1e-5  # of a stage's largest value: a chain of up to 100 products, of up to 12,288 values each


def section(layout, depths, widths, size, **more):
    return dict(family="convnext", layout=layout, image_size=size, channels=3, patch_size=4, depths=list(depths), widths=list(widths)) | more


def head(name, eps, *more):
    return dict(head=[dict(norm=name, eps=eps), *more])


def stages_of(forward, x, stem, stages):
    found, handles = {}, []
    for name, module in [("stem", stem)] + [(f"stages.{s}", stage) for s, stage in enumerate(stages)]:
        def keep(_module, _inputs, output, name=name):
            found[name] = output[0].detach().reshape(output.shape[1], -1).T.numpy()
        handles.append(module.register_forward_hook(keep))
    with torch.no_grad():
        forward(torch.from_numpy(x[None]))
    for handle in handles:
        handle.remove()
    return found


def compare(tower, embed, batch, stem, stages, mean_cosine=0.95):
    with torch.no_grad():
        theirs = [embed(torch.from_numpy(x[None]))[0].numpy() for x in batch]
    assert_stages(tower.taps(batch[0]), stages_of(embed, batch[0], stem, stages), MAP_BOUND)
    return assert_close([tower.run(x) for x in batch], theirs, mean_cosine=mean_cosine)


def drawn(model, seed):
    """Scales of a layer are near one third: as 1e-6, where they start, blocks would not be seen. Where there are none, their products are
    as small: else the bias of the last one says more than the picture."""
    redraw(model, seed)
    scaled = any("gamma" in name or "layer_scale" in name for name, _ in model.named_parameters())
    for name, value in model.named_parameters():
        if not scaled and ("fc2" in name or "pwconv2" in name or "grn.bias" in name):
            value.data *= 0.2
        if "gamma" in name or "layer_scale" in name:
            value.data = 0.3 + 0.1 * torch.randn(value.shape, generator=torch.Generator().manual_seed(seed))
    return model


SHAPES = [dict(depths=[1, 2, 1, 1], dims=[16, 24, 36, 40]), dict(depths=[1, 1, 2, 1], dims=[9, 10, 11, 13]),
          dict(depths=[2, 1, 1, 1], dims=[16, 32, 48, 64], use_grn=True, ls_init_value=None),
          dict(depths=[1, 1, 2, 1], dims=[16, 32, 48, 64], conv_mlp=True), dict(depths=[1, 1, 1, 1], dims=[8, 16, 24, 32], act_layer="gelu_tanh", norm_eps=1e-5)]


@pytest.mark.parametrize("kernel", ["portable", None])
@pytest.mark.parametrize("shape", SHAPES, ids=["even", "odd widths", "V2", "1x1 convolutions", "tanh, eps"])
def test_timm(tmp_path, shape, kernel):
    model = drawn(timm.models.ConvNeXt(num_classes=0, **shape), seed=1)
    eps = shape.get("norm_eps", 1e-6)
    card = section("timm", shape["depths"], shape["dims"], [75, 90], layer_norm_eps=eps, activation=shape.get("act_layer", "gelu").replace("_", "-"),
                   response_norm=shape.get("use_grn", False), layer_scale=not shape.get("use_grn", False), **head("head.norm", eps),
                   output_width=shape["dims"][-1])
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card, kernel) as tower:
        compare(tower, model, pictures(3, (3, 75, 90), seed=2), model.stem, model.stages, mean_cosine=0.99)
        assert tower.unused() is None


def test_timm_hidden_head_and_norm_before_the_mean(tmp_path):
    """convnext_large_mlp has a layer with GELU behind the norm; convnext_tiny_hnf norms every pixel, then takes the mean."""
    sizes = dict(depths=[1, 1, 1, 1], dims=[8, 16, 24, 32])
    batch = pictures(3, (3, 64, 64), seed=4)
    model = drawn(timm.models.ConvNeXt(num_classes=0, head_hidden_size=21, **sizes), seed=3)
    card = section("timm", sizes["depths"], sizes["dims"], 64, output_width=21,
                   **head("head.norm", 1e-6, dict(linear="head.pre_logits.fc", width=21, activation="gelu")))
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card) as tower:
        compare(tower, model, batch, model.stem, model.stages)
    model = drawn(timm.models.ConvNeXt(num_classes=0, head_norm_first=True, **sizes), seed=5)
    card = section("timm", sizes["depths"], sizes["dims"], 64, pool="head-mean", output_width=32, **head("norm_pre", 1e-6))
    with ImageTower(save(model.state_dict(), tmp_path / "h.safetensors"), card) as tower:
        compare(tower, model, batch, model.stem, model.stages)


CLIP_HEADS = {"linear": [dict(linear="visual.head.proj", width=512, bias=False)],
              "mlp": [dict(linear="visual.head.mlp.fc1", width=1024, activation="gelu"), dict(linear="visual.head.mlp.fc2", width=512, bias=False)]}


def open_clip_tower(name, projection, embed, size, seed):
    model = drawn(TimmModel(name, embed, image_size=size, pool="", proj=projection), seed)
    return model, {"visual." + key: value for key, value in model.state_dict().items()}


def clip_card(model, projection, embed, size, eps):
    sizes = [[len(stage.blocks) for stage in model.trunk.stages], [stage.blocks[0].conv_dw.out_channels for stage in model.trunk.stages]]
    steps = [step | dict(width={512: embed, 1024: 2 * embed}[step["width"]]) for step in CLIP_HEADS[projection]]
    return section("timm", *sizes, size, prefix="visual.trunk.", layer_norm_eps=eps, output_width=embed,
                   **head("visual.trunk.head.norm", eps, *steps))


@pytest.mark.parametrize("projection", CLIP_HEADS)
def test_open_clip(tmp_path, projection):
    """The trunk of open_clip's ConvNeXts is a timm model whose own classifier is taken off; its norm stays."""
    model, state = open_clip_tower("convnext_atto", projection, 30, 64, seed=6)
    with ImageTower(save(state, tmp_path / "m.safetensors"), clip_card(model, projection, 30, 64, 1e-6)) as tower:
        compare(tower, model, pictures(4, (3, 64, 64), seed=7), model.trunk.stem, model.trunk.stages)


@pytest.mark.parametrize("version, more", [(1, {}), (1, dict(layer_scale_init_value=0, patch_size=3, hidden_act="gelu_new")), (2, {})])
def test_transformers(tmp_path, version, more):
    sizes = dict(hidden_sizes=[12, 20, 28], depths=[1, 2, 1], num_stages=3) | more
    model = ConvNextModel(ConvNextConfig(**sizes)) if version == 1 else ConvNextV2Model(ConvNextV2Config(**sizes))
    drawn(model, seed=8)
    card = section("hf", sizes["depths"], sizes["hidden_sizes"], [70, 65], patch_size=sizes.get("patch_size", 4), response_norm=version == 2,
                   layer_scale=version == 1 and not more, activation="gelu-tanh" if more else "gelu", output_width=28, **head("layernorm", 1e-12))
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card) as tower:
        compare(tower, lambda x: model(x).pooler_output, pictures(3, (3, 70, 65), seed=9), model.embeddings, model.encoder.stages)
        assert tower.unused() is None


@pytest.mark.parametrize("fault", [dict(layer_norm_eps=1e-2), dict(activation="quick-gelu"), dict(pool="head-mean")])
def test_planted_faults_are_seen(tmp_path, fault):
    model, state = open_clip_tower("convnext_atto", "linear", 30, 64, seed=10)
    batch = pictures(2, (3, 64, 64), seed=11)
    with torch.no_grad():
        theirs = unit(model(torch.from_numpy(batch)).numpy())
    with ImageTower(save(state, tmp_path / "m.safetensors"), clip_card(model, "linear", 30, 64, 1e-6) | fault) as tower:
        assert np.abs(unit([tower.run(x) for x in batch]) - theirs).max() > 1e-4


@pytest.mark.parametrize("change, expected", [
    (dict(image_size=[16, 20]), "image_size of 16 x 20 pixels is too small: a map of 1 x 1 is not divided by 2"),
    (dict(widths=[8, 16, 24, 33]), "stages.3.downsample.1.weight' has shape [32, 24, 2, 2], expected [33, 24, 2, 2]"),
    (dict(depths=[1, 1, 1, 2]), "stages.3.blocks.1.conv_dw.weight"),
    (dict(response_norm=True), "stages.0.blocks.0.mlp.grn.weight"),
    (dict(layout="tim"), "no layout of a convnext 'tim' (did you mean 'timm'?)"),
])
def test_cards_that_do_not_fit_are_refused(tmp_path, change, expected):
    model = timm.models.ConvNeXt(num_classes=0, depths=[1, 1, 1, 1], dims=[8, 16, 24, 32])
    with pytest.raises(ValueError) as error:
        ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), section("timm", [1, 1, 1, 1], [8, 16, 24, 32], 64) | change)
    print(error.value)
    assert expected in str(error.value)


@pytest.mark.skipif(not os.environ.get("MEDPROBE_FULL_SIZE"), reason="MEDPROBE_FULL_SIZE=1 compares the published sizes")
@pytest.mark.parametrize("name, projection, embed, eps", [("convnext_base", "linear", 640, 1e-6), ("convnext_large", "mlp", 768, 1e-6)])
def test_published_open_clip(tmp_path, name, projection, embed, eps):
    model, state = open_clip_tower(name, projection, embed, 256, seed=12)
    with ImageTower(save(state, tmp_path / "m.safetensors"), clip_card(model, projection, embed, 256, eps)) as tower:
        compare(tower, model, pictures(4, (3, 256, 256), seed=13), model.trunk.stem, model.trunk.stages)
