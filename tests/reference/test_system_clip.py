# SPDX-License-Identifier: BSD-3-Clause
"""Protects: cards of CLIP's kind as whole systems, from picture files and prompts to the store, beside their publishers' own model,
transform and tokenizer: OpenAI's clip, open_clip (CoCa, EVA-CLIP and ConvNeXt among them), CheXzero's steps, transformers.

Widths, pictures and vocabularies are the published ones; towers that need minutes have two blocks. Pillow here is 13, so pictures pass
with --resize-order pillow13. Planted: test_wrong_cards_are_seen."""
import clip
import clip.model
import numpy as np
import open_clip
import pytest
import torch
import transformers as hf
from PIL import Image

from systems_lib import TEXTS, Card, compare, distance, make_pictures
from towers_lib import redraw, save, settle

ORDER = ("--resize-order", "pillow13")


def stack(pictures, transform):
    return torch.stack([transform(Image.open(p)) for p in pictures])


def vectors(model, batch, ids=None):
    with torch.no_grad():
        return model.encode_image(batch).numpy(), None if ids is None else model.encode_text(ids).numpy()


def openai(**sizes):
    """Saved in half precision as OpenAI's files are, and back: what the CPU runs."""
    model = redraw(clip.model.CLIP(**{**dict(embed_dim=512, image_resolution=224, vision_layers=2, vision_width=768, vision_patch_size=32,
                                             context_length=77, vocab_size=49408, transformer_width=512, transformer_heads=8, transformer_layers=2), **sizes}))
    clip.model.convert_weights(model)
    state = {k: v.clone() for k, v in model.state_dict().items()}
    return model.float(), state


def test_openai_vit(tmp_path):
    model, state = openai()
    pictures = make_pictures(tmp_path / "p")
    torch.save(state, tmp_path / "m.pt")
    card = Card("openai-vit-b-32", tmp_path, {"image.layers": 2, "text.layers": 2})
    ours = card.extract(tmp_path / "m.pt", pictures, TEXTS, *ORDER)
    ids = clip.tokenize(TEXTS, truncate=True)
    compare("openai-vit-b-32", "clip 1.0 (2 blocks)", ours, *vectors(model, stack(pictures, clip.clip._transform(224)), ids))
    assert abs(ours["attributes"]["logit_scale"] / float(model.logit_scale.exp()) - 1) < 1e-6


def test_openai_resnet(tmp_path):
    model, _ = openai(embed_dim=1024, vision_layers=(1, 1, 1, 1), vision_width=64, vision_patch_size=None)
    pictures = make_pictures(tmp_path / "p")
    settle(model.visual, stack(pictures, clip.clip._transform(224)).numpy())
    state = model.state_dict()
    torch.save(state, tmp_path / "m.pt")
    card = Card("openai-rn50", tmp_path, {"image.depths": [1, 1, 1, 1], "text.layers": 2})
    ours = card.extract(tmp_path / "m.pt", pictures, TEXTS, *ORDER)
    ids = clip.tokenize(TEXTS, truncate=True)
    compare("openai-rn50", "clip 1.0 (4 blocks)", ours, *vectors(model, stack(pictures, clip.clip._transform(224)), ids))


def test_chexzero(tmp_path):
    """zero_shot.py and data_process.py, transcribed from the facts of their steps: the package cannot be installed."""
    model, state = openai()
    pictures = make_pictures(tmp_path / "p", ("L", "RGB", "L", "RGB"))
    torch.save(state, tmp_path / "m.pt")

    def prepare(image):
        image = image.convert("RGB")
        ratio = 320 / max(image.size)
        small = image.resize(tuple(int(x * ratio) for x in image.size), Image.LANCZOS)
        square = Image.new("L", (320, 320))
        square.paste(small, ((320 - small.size[0]) // 2, (320 - small.size[1]) // 2))
        x = (torch.from_numpy(np.asarray(square, np.float32)).repeat(3, 1, 1) - 101.48761) / 83.43944
        return torch.nn.functional.interpolate(x[None], size=(224, 224), mode="bicubic", align_corners=False)[0]

    card = Card("chexzero", tmp_path, {"image.layers": 2, "text.layers": 2})
    ours = card.extract(tmp_path / "m.pt", pictures, TEXTS, *ORDER, "--similarity", "softmax")
    compare("chexzero", "CheXzero's steps, clip 1.0 (2 blocks)", ours, *vectors(model, stack(pictures, prepare), clip.tokenize(TEXTS, truncate=True)))


def reduced(tag, layers=2):
    cfg = open_clip.get_model_config(tag)
    cfg["vision_cfg"]["layers"] = cfg["text_cfg"]["layers"] = layers
    if "multimodal_cfg" in cfg:
        cfg["multimodal_cfg"]["layers"] = 1
        cfg.pop("custom_text")
        return redraw(open_clip.CoCa(**cfg))
    return redraw(open_clip.CLIP(**cfg))


def compare_open_clip(tmp_path, name, tag, model, changes, what, **transform):
    pictures = make_pictures(tmp_path / "p")
    size = model.visual.image_size
    transform = open_clip.image_transform(size if isinstance(size, int) else size[0], is_train=False, **transform)
    ours = Card(name, tmp_path, changes).extract(save(model.state_dict(), tmp_path / "m.safetensors"), pictures, TEXTS, *ORDER)
    ids = open_clip.get_tokenizer(tag)(TEXTS)
    return compare(name, f"open_clip {open_clip.__version__} ({what})", ours, *vectors(model, stack(pictures, transform), ids))


TWO = {"image.layers": 2, "text.layers": 2}


@pytest.mark.parametrize("name,tag,options", [
    ("ViT-B-32", "ViT-B-32", {}),
    ("ViT-B-32-quickgelu", "ViT-B-32-quickgelu", {}),
    ("ViT-B-16-plus-240", "ViT-B-16-plus-240", {}),
    ("ViT-L-14", "ViT-L-14", dict(mean=(0.5,) * 3, std=(0.5,) * 3)),
    ("ViT-g-14", "ViT-g-14", {}),
    ("coca_ViT-B-32", "coca_ViT-B-32", {}),
    ("coca_ViT-L-14", "coca_ViT-L-14", {}),
])
def test_open_clip(tmp_path, name, tag, options):
    compare_open_clip(tmp_path, name, tag, reduced(tag), TWO, "2 blocks", **options)


@pytest.mark.parametrize("name,tag", [("eva02-clip-b-16", "EVA02-B-16"), ("convnext_base_w", "convnext_base_w")])
def test_open_clip_with_trunks_of_timm(tmp_path, name, tag):
    model = redraw(open_clip.create_model(tag, load_weights=False))
    if "convnext" in tag:  # as training leaves it: else two maps of thirty-six random blocks are alike
        for key, value in model.named_parameters():
            if key.endswith("gamma"):
                value.data.mul_(0.3)
    compare_open_clip(tmp_path, name, tag, model, {}, "whole")


def test_siglip_pictures(tmp_path):
    """Texts: test_clip_text, test_sentencepiece (its vocabulary cannot be had here)."""
    config = hf.SiglipConfig(vision_config=dict(num_hidden_layers=2), text_config=dict(num_hidden_layers=1))
    model = redraw(hf.SiglipModel(config))
    pictures = make_pictures(tmp_path / "p")
    processor = hf.SiglipImageProcessor()
    batch = torch.stack([torch.from_numpy(processor(images=Image.open(p).convert("RGB"), return_tensors="np")["pixel_values"][0]) for p in pictures])
    card = Card("siglip-base-patch16-224", tmp_path, {"image.layers": 2})
    ours = card.extract(save(model.state_dict(), tmp_path / "m.safetensors"), pictures, None, *ORDER)
    with torch.no_grad():
        compare("siglip-base-patch16-224", f"transformers {hf.__version__} (2 blocks)", ours, model.get_image_features(pixel_values=batch).numpy())


def test_rad_dino(tmp_path):
    model = redraw(hf.Dinov2Model(hf.Dinov2Config(num_hidden_layers=2, image_size=518, patch_size=14)))
    pictures = make_pictures(tmp_path / "p", ("L", "RGB", "L"))
    processor = hf.BitImageProcessor(size={"shortest_edge": 518}, crop_size={"height": 518, "width": 518}, image_mean=[0.5307] * 3, image_std=[0.2583] * 3,
                                     resample=Image.BICUBIC)
    batch = torch.stack([torch.from_numpy(processor(images=Image.open(p).convert("RGB"), return_tensors="np")["pixel_values"][0]) for p in pictures])
    ours = Card("rad-dino", tmp_path, {"image.layers": 2}).extract(save(model.state_dict(), tmp_path / "m.safetensors"), pictures, None, *ORDER)
    with torch.no_grad():
        compare("rad-dino", f"transformers {hf.__version__} (2 blocks)", ours, model(batch).pooler_output.numpy())


def test_llava(tmp_path):
    config = hf.CLIPVisionConfig(hidden_size=1024, intermediate_size=4096, num_hidden_layers=3, num_attention_heads=16, image_size=336, patch_size=14)
    model = redraw(hf.CLIPVisionModel(config))
    pictures = make_pictures(tmp_path / "p", ("L", "RGB", "L"))
    processor = hf.CLIPImageProcessor(size={"shortest_edge": 336}, crop_size=336)

    def prepare(path):
        image = Image.open(path).convert("RGB")
        side = max(image.size)
        square = Image.new("RGB", (side, side), tuple(int(x * 255) for x in processor.image_mean))
        square.paste(image, ((side - image.size[0]) // 2, (side - image.size[1]) // 2))
        return torch.from_numpy(processor(images=square, return_tensors="np")["pixel_values"][0])

    card = Card("llava-v1.5-vision", tmp_path, {"image.layers": 2, "weights.ignorable": ["vision_model.encoder.layers.2.*", "vision_model.post_layernorm.*"]})
    ours = card.extract(save(model.state_dict(), tmp_path / "m.safetensors"), pictures, None, *ORDER)
    with torch.no_grad():
        states = model(torch.stack([prepare(p) for p in pictures]), output_hidden_states=True).hidden_states
    compare("llava-v1.5-vision", f"transformers {hf.__version__} (2 blocks), llava's square", ours, states[-2][:, 1:].mean(1).numpy())


def test_wrong_cards_are_seen(tmp_path):
    model, state = openai()
    pictures = make_pictures(tmp_path / "p")
    torch.save(state, tmp_path / "m.pt")
    theirs, texts = vectors(model, stack(pictures, clip.clip._transform(224)), clip.tokenize(TEXTS, truncate=True))
    for wrong in ({"image.activation": "gelu"}, {"pipelines.openai-clip.color": "RGB"}, {"pipelines.openai-clip.filter": "bilinear"},
                  {"text.activation": "gelu"}, {"tokenizer.clean": "none"}):
        ours = Card("openai-vit-b-32", tmp_path, {**TWO, **wrong}).extract(tmp_path / "m.pt", pictures, TEXTS, *ORDER)
        assert max(distance(ours["embeddings"], theirs), distance(ours["texts"], texts)) > 1e-4, wrong
