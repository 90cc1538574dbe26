# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the numbers of ResNets, stage by stage and at the end, beside each program whose checkpoints are read: torchvision, transformers'
ResNetModel, timm, OpenAI's clip and open_clip (ModifiedResNet), hi-ml's BioViL and BioViL-T image models.

MEDPROBE_FULL_SIZE=1 also compares the published sizes. Weights, norms and batch statistics are random; the smallest sizes have widths that
fill no vector, and pictures are neither square nor even. Faults are planted for good: see test_planted_faults_are_seen.
"""
import os
import re

import clip.model
import numpy as np
import open_clip.modified_resnet
import pytest
import timm
import torch
import torchvision
from health_multimodal.image.model.model import ImageModel, MultiImageModel
from transformers import ResNetConfig, ResNetModel

from towers_lib import ImageTower, assert_close, assert_stages, pictures, redraw, save, settle, unit

# Of a stage's largest value: sums of up to 4,608 products, rounded in another order, through 100 convolutions; see
# test_error_is_that_of_float32.
MAP_BOUND = 2e-5
BOTTLENECK = torchvision.models.resnet.Bottleneck
BASIC = torchvision.models.resnet.BasicBlock
FULL = pytest.mark.skipif(not os.environ.get("MEDPROBE_FULL_SIZE"), reason="MEDPROBE_FULL_SIZE=1 compares the published sizes")


def section(depths, widths, stem_width=64, size=224, block="bottleneck", layout="torchvision", **more):
    return dict(family="resnet", layout=layout, image_size=size, channels=3, block=block, stem_width=stem_width,
                depths=list(depths), widths=list(widths)) | more


def random_model(model, seed, size=64):
    """The last norm of a block is small, as training leaves it: else rounding grows from block to block, on either side."""
    size = (size, size) if isinstance(size, int) else size
    redraw(model, seed)
    for name, value in model.named_parameters():
        if re.search(r"layer\d\.\d+\.bn3\.weight|layers\.\d+\.layer\.2\.normalization\.weight", name):
            value.data *= 0.3
    return settle(model, pictures(8, (3, *size), seed), seed)


def published(depths, block="bottleneck", **more):
    """torchvision's widths."""
    return section(depths, [64 * 2**s * (4 if block == "bottleneck" else 1) for s in range(4)], block=block, **more)


def modified(depths, width, embed, size=224, heads=None, **more):
    """CLIP's, as clip.model builds it of these numbers."""
    return section(depths, [4 * width * 2**s for s in range(4)], stem_width=width, size=size, stem="deep", stride_by="average", pool="attention",
                   prefix="visual.", pool_heads=heads or width * 32 // 64,
                   head=[dict(linear="visual.attnpool.c_proj", width=embed)], output_width=embed) | more


def stages_of(reference, x, stem, stages):
    """Maps behind the stem and every stage, as medprobe's taps show them: [H * W, C]."""
    found, handles = {}, []
    for name, module in [("stem", stem)] + [(f"stages.{s}", stage) for s, stage in enumerate(stages)]:
        def keep(_module, _inputs, output, name=name):
            found[name] = output[0].detach().reshape(output.shape[1], -1).T.numpy()
        handles.append(module.register_forward_hook(keep))
    with torch.no_grad():
        result = reference(torch.from_numpy(x[None]))
    for handle in handles:
        handle.remove()
    return found, result


def compare(tower, embed, batch, stem, stages, reference=None, mean_cosine=0.95):
    """Unit embeddings of all pictures and the stages of the first."""
    with torch.no_grad():
        theirs = [embed(torch.from_numpy(x[None]))[0].numpy() for x in batch]
    expected, _ = stages_of(reference or embed, batch[0], stem, stages)
    assert_stages(tower.taps(batch[0]), expected, MAP_BOUND)
    return assert_close([tower.run(x) for x in batch], theirs, mean_cosine=mean_cosine)


def torchvision_model(block, depths, seed, fc=None, size=64):
    model = torchvision.models.ResNet(block, depths, num_classes=1)
    model.fc = fc or torch.nn.Identity()
    return random_model(model, seed, size)


def layers_of(model):
    return [model.layer1, model.layer2, model.layer3, model.layer4]


@pytest.mark.parametrize("kernel", ["portable", None])
@pytest.mark.parametrize("block, size", [(BOTTLENECK, (75, 66)), (BASIC, (61, 90)), (BOTTLENECK, 32), (BASIC, (1, 5))])
def test_torchvision(tmp_path, block, size, kernel):
    model = torchvision_model(block, [2, 1, 2, 1], seed=1)
    name = "bottleneck" if block is BOTTLENECK else "basic"
    card = published([2, 1, 2, 1], name, size=size if isinstance(size, int) else list(size))
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card, kernel) as tower:
        shape = (3, *((size, size) if isinstance(size, int) else size))
        compare(tower, model, pictures(3, shape, seed=2), model.maxpool, layers_of(model), mean_cosine=0.99)
        assert tower.unused().endswith("num_batches_tracked")


def test_medclip_projection(tmp_path):
    """MedCLIP-ResNet50: fc without bias is the projection; the vision model of the package repeats one grey channel."""
    model = torchvision_model(BOTTLENECK, [1, 1, 1, 1], 3, torch.nn.Linear(2048, 512, bias=False))
    state = {"vision_model.model." + name: value for name, value in model.state_dict().items()}
    card = published([1, 1, 1, 1], size=64, prefix="vision_model.model.", projection="vision_model.model.fc.weight", output_width=512)
    with ImageTower(save(state, tmp_path / "m.safetensors"), card) as tower:
        compare(tower, model, pictures(4, (3, 64, 64), seed=4), model.maxpool, layers_of(model))


def test_gloria_global_embedder(tmp_path):
    """GLoRIA's global image feature: the pooled vector through `global_embedder`, with bias, at 299 x 299 in the original."""
    model = torchvision_model(BOTTLENECK, [1, 1, 1, 1], 5, torch.nn.Linear(2048, 768))
    state = {"img_encoder.model." + name: value for name, value in model.state_dict().items() if not name.startswith("fc.")}
    state |= {"img_encoder.global_embedder." + name: value for name, value in model.fc.state_dict().items()}
    card = published([1, 1, 1, 1], size=75, prefix="img_encoder.model.", head=[dict(linear="img_encoder.global_embedder", width=768)],
                     output_width=768)
    with ImageTower(save(state, tmp_path / "m.safetensors"), card) as tower:
        compare(tower, model, pictures(4, (3, 75, 75), seed=6), model.maxpool, layers_of(model))


@pytest.mark.parametrize("more", [
    dict(layer_type="bottleneck"), dict(layer_type="bottleneck", downsample_in_bottleneck=True),
    dict(layer_type="bottleneck", downsample_in_first_stage=True), dict(layer_type="basic", hidden_sizes=[13, 18, 35])])
def test_transformers(tmp_path, more):
    sizes = dict(embedding_size=11, hidden_sizes=[20, 36, 52], depths=[2, 2, 1]) | more
    model = random_model(ResNetModel(ResNetConfig(**sizes)), seed=7)
    card = section(sizes["depths"], sizes["hidden_sizes"], sizes["embedding_size"], [53, 70], sizes["layer_type"], "hf",
                   stride_by="1x1" if more.get("downsample_in_bottleneck") else "3x3",
                   first_stride=2 if more.get("downsample_in_first_stage") else 1)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card) as tower:
        def embed(x):
            return model(x).pooler_output.flatten(1)
        stages = [_Plain(stage) for stage in model.encoder.stages]
        batch = pictures(3, (3, 53, 70), seed=8)
        compare(tower, embed, batch, model.embedder, [s.stage for s in stages], model)


class _Plain:
    def __init__(self, stage):
        self.stage = stage


def test_timm(tmp_path):
    model = random_model(timm.create_model("resnet26", num_classes=0), seed=9)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), published([2, 2, 2, 2], size=[70, 64])) as tower:
        compare(tower, model, pictures(3, (3, 70, 64), seed=10), model.maxpool, layers_of(model))


def clip_model(package, depths, width, embed, heads, size, seed):
    return random_model(package.ModifiedResNet(depths, embed, heads, size, width), seed, size)


def clip_state(model):
    return {"visual." + name: value for name, value in model.state_dict().items()}


@pytest.mark.parametrize("kernel", ["portable", None])
@pytest.mark.parametrize("package", [clip.model, open_clip.modified_resnet], ids=["clip", "open_clip"])
@pytest.mark.parametrize("width, heads, size", [(6, 3, 96), (16, 8, 64), (10, 20, 160)])
def test_clip(tmp_path, package, width, heads, size, kernel):
    model = clip_model(package, [2, 1, 2, 1], width, 41, heads, size, seed=11)
    with ImageTower(save(clip_state(model), tmp_path / "m.safetensors"), modified([2, 1, 2, 1], width, 41, heads=heads, size=size), kernel) as tower:
        compare(tower, model, pictures(3, (3, size, size), seed=12), model.avgpool, layers_of(model))


def test_half_precision_weights_are_widened(tmp_path):
    """OpenAI's files hold float16 convolutions: the reference on a CPU widens them, too."""
    model = clip_model(clip.model, [1, 1, 1, 1], 8, 16, 4, 64, seed=13)
    clip.model.convert_weights(model)
    state = clip_state(model)
    assert state["visual.conv1.weight"].dtype == torch.float16 and state["visual.bn1.weight"].dtype == torch.float32
    with ImageTower(save(state, tmp_path / "m.safetensors"), modified([1, 1, 1, 1], 8, 16, heads=4, size=64)) as tower:
        model.float()
        compare(tower, model, pictures(2, (3, 64, 64), seed=14), model.avgpool, layers_of(model))


PROJECTOR = [dict(linear="projector.model.0", width=128, bias=False), dict(batch_norm="projector.model.1", eps=1e-5, relu=True),
             dict(linear="projector.model.3", width=128)]
PREVIOUS = [dict(linear="encoder.backbone_to_vit", width=256, bias=False), dict(append="encoder.missing_previous_emb", width=256)]


@pytest.mark.parametrize("kind", ["resnet50", "resnet50_multi_image", "resnet18_multi_image"])
def test_biovil(tmp_path, kind):
    """hi-ml's own classes; BioViL-T without a previous picture. The file holds an unused fc and, of BioViL-T, the unused vit_pooler."""
    model = (MultiImageModel if "multi" in kind else ImageModel)(img_encoder_type=kind, joint_feature_size=128, freeze_encoder=False)
    random_model(model, 15, (96, 70))
    with torch.no_grad():
        if "multi" in kind:
            model.encoder.missing_previous_emb.normal_()
    block, depths = ("bottleneck", [3, 4, 6, 3]) if "50" in kind else ("basic", [2, 2, 2, 2])
    card = published(depths, block, size=[96, 70], prefix="encoder.encoder.", pool="head-mean", output_width=128,
                     head=(PREVIOUS if "multi" in kind else []) + PROJECTOR)
    trunk = model.encoder.encoder
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), card) as tower:
        def embed(x):
            return model(x).projected_global_embedding
        batch = pictures(3, (3, 96, 70), seed=16)
        compare(tower, embed, batch, trunk.maxpool, layers_of(trunk), model)
        patches = model(torch.from_numpy(batch[:1])).projected_patch_embeddings[0].detach()
        assert_stages(tower.taps(batch[0]), {"head": patches.reshape(128, -1).T.numpy()}, MAP_BOUND)


def test_error_is_that_of_float32(tmp_path):
    model = torchvision_model(BOTTLENECK, [2, 3, 2, 2], seed=26)
    batch = pictures(3, (3, 64, 64), seed=27)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), published([2, 3, 2, 2], size=64)) as tower, torch.no_grad():
        ours, theirs = unit([tower.run(x) for x in batch]), unit([model(torch.from_numpy(x[None]))[0].numpy() for x in batch])
        exact = unit(model.double()(torch.from_numpy(batch).double()).numpy())
    own, torch_own = np.abs(ours - exact).max(), np.abs(theirs - exact).max()
    print(f"against float64: ours {own:.2e}, torch's {torch_own:.2e}")
    assert own <= 3 * torch_own


# Cards that are wrong in one point: each is far outside the bound.
@pytest.mark.parametrize("fault", [dict(batch_norm_eps=1e-2), dict(pool_heads=2)])
def test_planted_faults_are_seen(tmp_path, fault):
    model = clip_model(clip.model, [1, 1, 1, 1], 8, 16, 4, 64, seed=17)
    batch = pictures(2, (3, 64, 64), seed=18)
    path = save(clip_state(model), tmp_path / "m.safetensors")
    with torch.no_grad():
        theirs = unit([model(torch.from_numpy(x[None]))[0].numpy() for x in batch])
    with ImageTower(path, modified([1, 1, 1, 1], 8, 16, heads=4, size=64) | fault) as tower:
        assert np.abs(unit([tower.run(x) for x in batch]) - theirs).max() > 1e-3


def test_stride_in_the_wrong_convolution_is_seen(tmp_path):
    model = torchvision_model(BOTTLENECK, [1, 1, 1, 1], seed=19)
    batch = pictures(2, (3, 64, 64), seed=20)
    path = save(model.state_dict(), tmp_path / "m.safetensors")
    with torch.no_grad():
        theirs = unit(model(torch.from_numpy(batch)).numpy())
    for place in ("1x1", "average"):
        with ImageTower(path, published([1, 1, 1, 1], size=64, stride_by=place)) as tower:
            assert np.abs(unit([tower.run(x) for x in batch]) - theirs).max() > 1e-3


@pytest.mark.parametrize("change, expected", [
    (dict(layout="torchvison"), "no layout of a resnet 'torchvison' (did you mean 'torchvision'?)"),
    (dict(block="basic", stride_by="average"), "stride_by is 'average', but basic blocks have their stride in the first 3x3"),
    (dict(widths=[30, 64, 64, 64]), "widths: 30 channels of stage 0 are no multiple of 4"),
    (dict(widths=[32, 64]), "widths has 2 entries (expected 4, as many as depths)"),
    (dict(pool_heads=4), "'pool_heads' without 'pool: attention'"),
    (dict(pool="attention", pool_heads=3), "pool_heads: 256 channels are no multiple of 3"),
    (dict(stem="deep", stem_width=9), "stem_width is 9 (expected an even number: the stem is deep)"),
    (dict(image_size=20, stride_by="average"), "image_size of 20 x 20 pixels is too small: a map of 1 x 1 is not halved"),
    (dict(widths=[32, 64, 128, 512]), "encoder.stages.3.layers.0.layer.0.convolution.weight"),
    (dict(layout="torchvision"), "conv1.weight"),
])
def test_cards_that_do_not_fit_are_refused(tmp_path, change, expected):
    model = ResNetModel(ResNetConfig(embedding_size=8, hidden_sizes=[32, 64, 128, 256], depths=[1, 1, 1, 1]))
    path = save(model.state_dict(), tmp_path / "m.safetensors")
    with pytest.raises(ValueError) as error:
        ImageTower(path, section([1, 1, 1, 1], [32, 64, 128, 256], 8, 64, layout="hf") | change)
    assert expected in str(error.value)


@FULL
@pytest.mark.parametrize("depths", [[3, 4, 6, 3], [3, 4, 23, 3]])
def test_published_torchvision(tmp_path, depths):
    model = torchvision_model(BOTTLENECK, depths, seed=22, size=224)
    with ImageTower(save(model.state_dict(), tmp_path / "m.safetensors"), published(depths)) as tower:
        compare(tower, model, pictures(8, (3, 224, 224), seed=23), model.maxpool, layers_of(model))


@FULL
@pytest.mark.parametrize("depths, width, embed, size", [([3, 4, 6, 3], 64, 1024, 224), ([4, 6, 10, 6], 80, 640, 288)])
def test_published_clip(tmp_path, depths, width, embed, size):
    model = clip_model(clip.model, depths, width, embed, width * 32 // 64, size, seed=24)
    with ImageTower(save(clip_state(model), tmp_path / "m.safetensors"), modified(depths, width, embed, size=size)) as tower:
        compare(tower, model, pictures(4, (3, size, size), seed=25), model.avgpool, layers_of(model))
