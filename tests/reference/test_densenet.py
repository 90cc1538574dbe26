# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the numbers of DenseNets, stage by stage and at the end, beside torchvision (pooled features before the classifier) and
torchxrayvision (`features2`: one channel, after the last ReLU).

MEDPROBE_FULL_SIZE=1 also compares the published size. Weights, norms and batch statistics are random.
"""
import os

import numpy as np
import pytest
import torch
import torchvision
import torchxrayvision

from towers_lib import ImageTower, assert_close, assert_stages, pictures, redraw, save, settle, unit

MAP_BOUND = 2e-5  # of a stage's largest value: a chain of 120 convolutions


def section(depths, size, channels=3, stem_width=64, growth=32, inner_width=128, **more):
    return dict(family="densenet", prefix="features.", image_size=size, channels=channels, stem_width=stem_width, growth=growth,
                inner_width=inner_width, depths=list(depths)) | more


def pooled(model, x):
    """The vector before the classifier, as both libraries' forward makes it."""
    return torch.nn.functional.adaptive_avg_pool2d(torch.relu(model.features(x)), 1).flatten(1)


def stages_of(model, x):
    found, handles = {}, []
    for name, module in model.features.named_children():
        ours = {"pool0": "stem"}.get(name) or (name[:-1].replace("denseblock", "blocks.").replace("transition", "transitions.")
                                               + str(int(name[-1]) - 1) if name[-1].isdigit() else name)
        if name == "pool0" or "denseblock" in name or "transition" in name:
            def keep(_module, _inputs, output, ours=ours):
                found[ours] = output[0].detach().reshape(output.shape[1], -1).T.numpy()
            handles.append(module.register_forward_hook(keep))
    with torch.no_grad():
        found["pooled"] = pooled(model, torch.from_numpy(x[None])).numpy()
    for handle in handles:
        handle.remove()
    return found


def compare(tower, model, batch, embed=None):
    with torch.no_grad():
        theirs = [(embed or (lambda x: pooled(model, x)))(torch.from_numpy(x[None]))[0].numpy() for x in batch]
    assert_stages(tower.taps(batch[0]), stages_of(model, batch[0]), MAP_BOUND)
    assert_close([tower.run(x) for x in batch], theirs)


def random_model(model, shape, seed, scale=1):
    return settle(redraw(model, seed), scale * pictures(8, shape, seed), seed)


@pytest.mark.parametrize("kernel", ["portable", None])
@pytest.mark.parametrize("depths, stem, growth, bottleneck, size", [
    ([2, 3, 2, 2], 64, 32, 4, (75, 66)), ([3, 1, 2], 11, 5, 3, (70, 49)), ([4], 8, 7, 2, (9, 40))])
def test_torchvision(tmp_path, depths, stem, growth, bottleneck, size, kernel):
    model = torchvision.models.DenseNet(growth, tuple(depths), stem, bottleneck, num_classes=2)
    state = random_model(model, (3, *size), seed=1).state_dict()
    with ImageTower(save(state, tmp_path / "m.safetensors"), section(depths, list(size), 3, stem, growth, growth * bottleneck), kernel) as tower:
        compare(tower, model, pictures(3, (3, *size), seed=2))


def test_torchxrayvision(tmp_path):
    model = torchxrayvision.models.DenseNet(block_config=(2, 2, 3, 2), weights=None)
    random_model(model, (1, 64, 64), 3, 400)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), section([2, 2, 3, 2], 64, channels=1)) as tower:
        # its `features2` scales what it is given to 224 and asks whether values lie in [-1024, 1024]; the rest of it is called here
        batch = 400 * pictures(3, (1, 64, 64), seed=4)
        compare(tower, model, batch)


def test_planted_faults_are_seen(tmp_path):
    model = torchvision.models.DenseNet(8, (2, 2), 8, 2, num_classes=2)
    random_model(model, (3, 64, 64), seed=5)
    state = model.state_dict()
    batch = pictures(2, (3, 64, 64), seed=6)
    with torch.no_grad():
        theirs = unit(pooled(model, torch.from_numpy(batch)).numpy())
        without_relu = unit(torch.nn.functional.adaptive_avg_pool2d(model.features(torch.from_numpy(batch)), 1).flatten(1).numpy())
    path = save(state, tmp_path / "m.safetensors")
    with ImageTower(path, section([2, 2], 64, 3, 8, 8, 16)) as tower:
        assert np.abs(unit([tower.run(x) for x in batch]) - without_relu).max() > 1e-2
    with ImageTower(path, section([2, 2], 64, 3, 8, 8, 16, batch_norm_eps=1e-2)) as tower:
        assert np.abs(unit([tower.run(x) for x in batch]) - theirs).max() > 1e-4


@pytest.mark.parametrize("change, expected", [
    (dict(image_size=8), "image_size of 8 x 8 pixels is too small: a map of 1 x 1 is not halved"),
    (dict(growth=9), "features.denseblock1.denselayer1.conv2.weight"),
    (dict(depths=[2, 3]), "features.denseblock2.denselayer3.norm1.weight"),
    (dict(growht=8), "growht"),
])
def test_cards_that_do_not_fit_are_refused(tmp_path, change, expected):
    model = torchvision.models.DenseNet(8, (2, 2, 2), 8, 2, num_classes=2)
    with pytest.raises(ValueError) as error:
        ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), section([2, 2, 2], 64, 3, 8, 8, 16) | change)
    assert expected in str(error.value)


@pytest.mark.skipif(not os.environ.get("MEDPROBE_FULL_SIZE"), reason="MEDPROBE_FULL_SIZE=1 compares the published sizes")
def test_published_torchxrayvision(tmp_path):
    model = torchxrayvision.models.DenseNet(weights=None)
    random_model(model, (1, 224, 224), 7, 400)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), section([6, 12, 24, 16], 224, channels=1)) as tower:
        batch = np.clip(400 * pictures(4, (1, 224, 224), seed=8), -1024, 1024)
        compare(tower, model, batch, model.features2)
