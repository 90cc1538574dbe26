# SPDX-License-Identifier: BSD-3-Clause
"""Protects: cards of ResNets as whole systems: picture files through the program, against MedCLIP's own vision model and dataset code, and torchvision's
model and transform. Towers have the published size; weights are random. (MedCLIP's texts: test_medclip.py; the section is the same.)"""
import numpy as np
import torch
import torchvision
import yaml
from PIL import Image
from torchvision import transforms

from medprobe_lib import ROOT
from systems_lib import Card, compare, distance, make_pictures
from towers_lib import redraw, settle

MODES = ("L", "RGB", "L", "RGB")


def settled(model, resnet, batch):
    """Statistics of batch norms as these pictures have them; the last norm of a block is small, as training leaves it."""
    redraw(model)
    for name, value in resnet.named_parameters():
        if name.endswith("bn3.weight"):
            value.data *= 0.3
    return settle(model, batch.numpy())


def test_torchvision_resnet50(tmp_path):
    pictures = make_pictures(tmp_path / "pictures", MODES)
    transform = torchvision.models.ResNet50_Weights.IMAGENET1K_V1.transforms()
    batch = torch.stack([transform(Image.open(p).convert("RGB")) for p in pictures])
    model = torchvision.models.resnet50()
    settled(model, model, batch)
    torch.save(model.state_dict(), tmp_path / "m.pth")
    ours = Card("torchvision-resnet50", tmp_path).extract(tmp_path / "m.pth", pictures, None, "--resize-order", "pillow13")
    model.fc = torch.nn.Identity()
    with torch.no_grad():
        theirs = model(batch).numpy()
    compare("torchvision-resnet50", f"torchvision {torchvision.__version__}", ours, theirs)
    assert np.abs(ours["norms"] / np.linalg.norm(theirs, axis=1) - 1).max() < 1e-5
    # planted: the side that is cut out without the margin around it
    squeezed = torch.stack([transforms.functional.normalize(transforms.functional.to_tensor(Image.open(p).convert("RGB").resize((224, 224))),
                                                            [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]) for p in pictures])
    with torch.no_grad():
        assert distance(ours["embeddings"], model(squeezed).numpy()) > 1e-3


def test_medclip_resnet50(tmp_path, monkeypatch):
    from medclip import modeling_medclip
    original = torchvision.models.resnet50
    monkeypatch.setattr(torchvision.models, "resnet50", lambda pretrained: original())
    model = modeling_medclip.MedCLIPVisionModel()
    pictures = make_pictures(tmp_path / "pictures", MODES)
    batch = []
    for p in pictures:  # medclip.dataset: on a black grey square; then MedCLIPProcessor's bicubic 224
        im = Image.open(p)
        side = max(224, *im.size)
        square = Image.new("L", (side, side), 0)
        square.paste(im, (int((side - im.size[0]) / 2), int((side - im.size[1]) / 2)))
        pixels = np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC), np.float32) / np.float32(255)
        batch.append((pixels - np.float32(0.5862785803043838)) / np.float32(0.27950088968644304))
    batch = torch.from_numpy(np.stack(batch)[:, None].repeat(3, 1))
    settled(model, model.model, batch)
    torch.save({"vision_model." + name: value for name, value in model.state_dict().items()}, tmp_path / "pytorch_model.bin")
    ours = Card("medclip-resnet50", tmp_path).extract(tmp_path / "pytorch_model.bin", pictures)
    with torch.no_grad():
        theirs = model(batch[:, :1]).numpy()
    compare("medclip-resnet50", "MedCLIP 0.0.3", ours, theirs)


def test_the_rest_of_medclip_resnet50_is_that_of_medclip_vit():
    one, other = (yaml.safe_load((ROOT / f"configs/models/medclip-{name}.yaml").read_text(encoding="utf-8")) for name in ("resnet50", "vit"))
    for part in ("pipelines", "tokenizer", "text", "similarity", "zero_shot"):
        assert one[part] == other[part]
