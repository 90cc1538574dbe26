# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the numbers of EfficientNets, stage by stage and at the end, beside transformers: ALIGN's picture tower (AlignVisionModel) and
EfficientNetModel, which has one convolution more.

MEDPROBE_FULL_SIZE=1 also compares ALIGN's size, EfficientNet-B7 at 289 x 289. Weights, norms and batch statistics are random.
"""
import os

import numpy as np
import pytest
import torch
from transformers import AlignVisionConfig, AlignVisionModel, EfficientNetConfig, EfficientNetModel

from towers_lib import ImageTower, assert_close, assert_stages, pictures, redraw, save, settle, unit

MAP_BOUND = 2e-5  # of a stage's largest value: a chain of 200 convolutions and sigmoids

SMALL = dict(width_coefficient=0.5, depth_coefficient=1.0, depth_divisor=4, kernel_sizes=[3, 3, 5, 5], in_channels=[32, 16, 24, 40],
             out_channels=[16, 24, 40, 44], strides=[1, 2, 2, 1], num_block_repeats=[1, 2, 2, 1], expand_ratios=[1, 6, 4, 3])


def section(model, size, prefix="", **more):
    """The card's section, from the sizes of the modules themselves."""
    config, blocks, repeats = model.config, list(model.encoder.blocks), []
    for n in config.num_block_repeats:
        repeats.append(int(np.ceil(config.depth_coefficient * n)))
    ends = np.cumsum(repeats)
    return dict(family="efficientnet", prefix=prefix, image_size=size, channels=3, stem_width=model.embeddings.out_dim, depths=repeats,
                widths=[blocks[e - 1].projection.project_conv.out_channels for e in ends], strides=list(config.strides),
                kernels=list(config.kernel_sizes), expansions=list(config.expand_ratios)) | more


def stages_of(model, section, x):
    ends = np.cumsum(section["depths"])
    modules = [("stem", model.embeddings)] + [(f"stages.{s}", model.encoder.blocks[e - 1]) for s, e in enumerate(ends)]
    found, handles = {}, []
    for name, module in modules:
        def keep(_module, _inputs, output, name=name):
            found[name] = output[0].detach().reshape(output.shape[1], -1).T.numpy()
        handles.append(module.register_forward_hook(keep))
    with torch.no_grad():
        model(torch.from_numpy(x[None]))
    for handle in handles:
        handle.remove()
    return found


def embed(model, batch):
    with torch.no_grad():
        return [model(torch.from_numpy(x[None])).pooler_output.reshape(-1).numpy() for x in batch]


def compare(tower, model, section, batch, mean_cosine=0.95):
    assert_stages(tower.taps(batch[0]), stages_of(model, section, batch[0]), MAP_BOUND)
    return assert_close([tower.run(x) for x in batch], embed(model, batch), mean_cosine=mean_cosine)


def random_model(model, size, seed):
    return settle(redraw(model, seed), pictures(8, (3, *size), seed), seed)


@pytest.mark.parametrize("kernel", ["portable", None])
@pytest.mark.parametrize("size, more", [((64, 64), {}), ((75, 50), {}), ((61, 66), dict(depthwise_padding=[1])),
                                        ((33, 44), dict(depth_coefficient=1.4, width_coefficient=0.3, depth_divisor=1))])
def test_align(tmp_path, size, more, kernel):
    model = random_model(AlignVisionModel(AlignVisionConfig(**SMALL | more)), size, seed=1)
    state = {"vision_model." + name: value for name, value in model.state_dict().items()}
    card = section(model, list(size), "vision_model.", **(dict(symmetric_block=1) if "depthwise_padding" in more else {}))
    with ImageTower(save(state, tmp_path / "m.safetensors"), card, kernel) as tower:
        compare(tower, model, card, pictures(3, (3, *size), seed=2), 0.995)


def test_efficientnet(tmp_path):
    model = random_model(EfficientNetModel(EfficientNetConfig(hidden_dim=640, **SMALL)), (70, 64), seed=3)
    card = section(model, [70, 64], top_width=model.encoder.top_conv.out_channels)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card) as tower:
        compare(tower, model, card, pictures(3, (3, 70, 64), seed=4))


@pytest.mark.parametrize("fault", [dict(symmetric_block=1), dict(batch_norm_eps=1e-5)])
def test_planted_faults_are_seen(tmp_path, fault):
    model = random_model(AlignVisionModel(AlignVisionConfig(**SMALL)), (64, 64), seed=5)
    batch = pictures(2, (3, 64, 64), seed=6)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), section(model, 64) | fault) as tower:
        assert np.abs(unit([tower.run(x) for x in batch]) - unit(embed(model, batch))).max() > 1e-4


@pytest.mark.parametrize("change, expected", [
    (dict(kernels=[3, 4, 5, 5]), "kernels: 4 of stage 1 is no odd number"),
    (dict(strides=[1, 3, 2, 1]), "'3' is not a whole number from 1 to 2"),
    (dict(widths=[8, 12, 20, 23]), "encoder.blocks.5.projection.project_conv.weight"),
    (dict(squeeze=0.5), "encoder.blocks.0.squeeze_excite.reduce.weight"),
    (dict(image_size=1), "image_size of 1 x 1 pixels is too small"),
])
def test_cards_that_do_not_fit_are_refused(tmp_path, change, expected):
    model = AlignVisionModel(AlignVisionConfig(**SMALL))
    with pytest.raises(ValueError) as error:
        ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), section(model, 64) | change)
    assert expected in str(error.value)


@pytest.mark.skipif(not os.environ.get("MEDPROBE_FULL_SIZE"), reason="MEDPROBE_FULL_SIZE=1 compares the published sizes")
def test_published_align(tmp_path):
    model = random_model(AlignVisionModel(AlignVisionConfig()), (289, 289), seed=7)
    card = section(model, 289)
    assert card["depths"] == [4, 7, 7, 10, 10, 13, 4] and card["widths"] == [32, 48, 80, 160, 224, 384, 640]
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card) as tower:
        batch = pictures(3, (3, 289, 289), seed=8)
        assert_stages(tower.taps(batch[0]), stages_of(model, card, batch[0]), MAP_BOUND)
        # of 55 random blocks most is the same for all pictures: what they have in common is taken away, and the bound is of what is left
        ours, theirs = np.array([tower.run(x) for x in batch]), np.array(embed(model, batch))
        assert_close(ours, theirs, mean_cosine=1.1)
        assert_close(ours - theirs.mean(0), theirs - theirs.mean(0), bound=5e-5)
