# SPDX-License-Identifier: BSD-3-Clause
"""Protects: folders as open_clip saves them (open_clip_config.json, weights), by their path: small random models beside
create_model_from_pretrained("local-dir:...") with its own pictures' transform and tokenizer, and the refusals.

Bound: 1e-5 of unit embeddings; what is found is near 1e-7. Faults planted here and seen: QuickGELU for GELU, the mean for the class token.
"""
import json
import os

import numpy as np
import open_clip
import pytest
import torch
import transformers
from PIL import Image
from safetensors.torch import save_file

import folders_lib as lib
from towers_lib import redraw

IMAGE = dict(image_size=48, patch_size=16, width=40, layers=2, head_width=10)
TEXT = dict(context_length=20, width=24, heads=2, layers=2)
PREPROCESS = dict(mean=[0.4, 0.5, 0.6], std=[0.2, 0.3, 0.25])


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    at = tmp_path_factory.mktemp("pictures")
    lib.draw(at)
    return at


def save(folder, config, preprocess=PREPROCESS, file="open_clip_model.safetensors", wrap=lambda state: state):
    """A random model of `config` in a folder, as open_clip's push_to_hf_hub writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    model = redraw(open_clip.create_model(f"local-dir:{folder}", pretrained_text=False))
    state = {k: v.contiguous().clone() for k, v in model.state_dict().items()}
    save_file(state, folder / file) if file.endswith("safetensors") else torch.save(wrap(state), folder / file)
    return folder


def theirs(folder, pictures):
    model, transform = open_clip.create_model_from_pretrained(f"local-dir:{folder}")
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    model.eval()
    inputs = torch.stack([transform(Image.open(pictures / f"{i}.{'png' if i % 2 else 'jpg'}")) for i in range(len(lib.SHAPES))])
    with torch.no_grad():
        return model.encode_image(inputs).numpy(), model.encode_text(tokenizer(lib.phrases())).numpy(), model


def compare(folder, pictures, tmp_path):
    image, text, model = theirs(folder, pictures)
    ours, texts, attributes = lib.extract(folder, pictures, tmp_path / "s.h5", True)
    lib.same_pictures(ours, image, mean_cosine=0.99)
    lib.same_pictures(texts, text, mean_cosine=0.99)
    assert abs(attributes["logit_scale"] / model.logit_scale.exp().item() - 1) < 1e-6
    if model.logit_bias is not None:
        assert abs(attributes["logit_bias"] - model.logit_bias.item()) < 1e-6 and attributes["similarity"] == "sigmoid"
    return ours


MODELS = {
    "a plain one": dict(),
    "QuickGELU": dict(quick_gelu=True),
    "custom text": dict(custom_text=True),
    "norms and activations of their own": dict(
        vision_cfg=IMAGE | dict(act_kwargs={"approximate": "tanh"}, norm_kwargs={"eps": 1e-3}, mlp_ratio=3.7362, no_ln_pre=True, ls_init_value=0.5),
        text_cfg=TEXT | dict(norm_kwargs={"eps": 1e-4}, mlp_ratio=2.5, ls_init_value=0.3)),
    "pools": dict(vision_cfg=IMAGE | dict(pool_type="avg", final_ln_after_pool=True), custom_text=True,
                  text_cfg=TEXT | dict(pool_type="last", no_causal_mask=True, proj_bias=True), init_logit_bias=-10),
    "pool of patches": dict(vision_cfg=IMAGE | dict(pool_type="avg"), text_cfg=TEXT | dict(pool_type="first", no_causal_mask=True)),
    "pool at a token": dict(text_cfg=TEXT | dict(pool_type="eos", eos_id=49407)),
    "text without projection": dict(text_cfg=TEXT | dict(width=20, proj_type="none")),
    "CLIP's ResNet": dict(vision_cfg=dict(image_size=64, layers=[1, 2, 1, 1], width=8, head_width=32), quick_gelu=True),
    "another cleaning": dict(text_cfg=TEXT | dict(tokenizer_kwargs={"clean": "canonicalize"})),
}


@pytest.mark.parametrize("name", MODELS)
def test_own_towers(pictures, tmp_path, name):
    compare(save(tmp_path, dict(embed_dim=20, vision_cfg=IMAGE, text_cfg=TEXT) | MODELS[name]), pictures, tmp_path)


def test_faults_are_seen(pictures, tmp_path):
    folder = save(tmp_path, dict(embed_dim=20, vision_cfg=IMAGE, text_cfg=TEXT))
    ours = compare(folder, pictures, tmp_path)
    path = folder / "open_clip_config.json"
    config = json.loads(path.read_text())
    for section, changes in (("model_cfg", dict(quick_gelu=True)), ("model_cfg", dict(vision_cfg=IMAGE | dict(pool_type="avg"))),
                             ("preprocess_cfg", PREPROCESS | dict(resize_mode="squash"))):
        path.write_text(json.dumps(config | {section: config[section] | changes}))
        assert np.abs(lib.extract(folder, pictures, tmp_path / "s.h5")[0] - ours).max() > 1e-3


@pytest.mark.parametrize("preprocess", [{}, dict(PREPROCESS, resize_mode="squash", interpolation="bilinear", mode="RGB", fill_color=0, size=[48, 48])])
@pytest.mark.parametrize("wrap", [lambda s: {"epoch": 1, "state_dict": {"module." + k: v for k, v in s.items()}}, lambda s: {"state_dict": s}])
def test_training_checkpoints_and_pictures(pictures, tmp_path, preprocess, wrap):
    config = dict(embed_dim=20, vision_cfg=IMAGE, text_cfg=TEXT, custom_text=True)
    compare(save(tmp_path, config, preprocess, "open_clip_pytorch_model.bin", wrap), pictures, tmp_path)


# ------------------------------------------------------------------------------------------------------ towers of others
def bert(folder, **options):
    """A small BERT and its tokenizer as a folder of transformers -> text_cfg."""
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] an opacity in the left lung . no effusion , 12 cm ; ##s normal t ##u ##b ##e ##r c ##l ##o i".split(" ")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    transformers.BertConfig(vocab_size=len(words), hidden_size=24, num_hidden_layers=2, num_attention_heads=2, intermediate_size=40,
                            max_position_embeddings=32).save_pretrained(folder)
    return dict(hf_model_name=str(folder), hf_tokenizer_name=str(folder), context_length=18) | options


@pytest.mark.parametrize("options", [dict(hf_proj_type="linear", hf_pooler_type="cls_pooler"), dict(hf_proj_type="mlp", hf_pooler_type="mean_pooler"),
                                     dict(hf_pooler_type="cls_last_hidden_state_pooler")], ids=str)
def test_texts_by_bert(pictures, tmp_path, options):
    compare(save(tmp_path, dict(embed_dim=20, vision_cfg=IMAGE, text_cfg=bert(tmp_path, **options))), pictures, tmp_path)


TRUNKS = {  # small ones
    "class token": dict(timm_model_name="vit_tiny_patch16_224", timm_pool="", timm_proj="linear", image_size=224),
    "CLIP's, timm's own projection": dict(timm_model_name="vit_xsmall_patch16_clip_224", timm_pool="token", timm_proj=None, image_size=224),
    "CLIP's, mean, two layers": dict(timm_model_name="vit_xsmall_patch16_clip_224", timm_pool="avg", timm_proj="mlp", timm_proj_bias=True, image_size=224),
    "ConvNeXt": dict(timm_model_name="convnext_atto", timm_pool="", timm_proj="linear", image_size=64),
    "ConvNeXt, second version, mean": dict(timm_model_name="convnextv2_atto", timm_pool="avg", timm_proj="", image_size=96),
}
FULL = {
    "SigLIP": dict(timm_model_name="vit_base_patch16_siglip_224", timm_pool="map", timm_proj="none", image_size=224),
    "EVA02": dict(timm_model_name="eva02_base_patch16_clip_224", timm_pool="token", timm_proj=None, image_size=224),
    "DINOv2 with registers": dict(timm_model_name="vit_small_patch14_reg4_dinov2", timm_pool="avg", timm_proj="linear", image_size=518),
}
on_demand = pytest.mark.skipif(not os.environ.get("MEDPROBE_FULL_SIZE"), reason="of full size: set MEDPROBE_FULL_SIZE=1")


@pytest.mark.parametrize("name", [*TRUNKS, *(pytest.param(n, marks=on_demand) for n in FULL)])
def test_trunks_of_timm(pictures, tmp_path, name):
    trunk = (TRUNKS | FULL)[name]
    compare(save(tmp_path, dict(embed_dim=768 if name == "SigLIP" else 20, vision_cfg=trunk, text_cfg=TEXT), {}), pictures, tmp_path)


def test_refusals_name_field_and_value(tmp_path):
    folder = save(tmp_path, dict(embed_dim=20, vision_cfg=IMAGE, text_cfg=TEXT))
    say = lambda section, **changes: lib.refusal(folder, "open_clip_config.json", **{section: section_of(section) | changes})
    section_of = lambda section: json.loads((folder / "open_clip_config.json").read_text())[section]
    in_model = lambda tower, **changes: say("model_cfg", **{tower: section_of("model_cfg")[tower] | changes})
    assert "vision_cfg.qk_norm: true is not supported (expected false)" in in_model("vision_cfg", qk_norm=True)
    assert "vision_cfg.pool_type: 'map' is not supported (tok, avg)" in in_model("vision_cfg", pool_type="map")
    assert "vision_cfg.pos_embed_type: 'sin_cos_2d' is not supported" in in_model("vision_cfg", pos_embed_type="sin_cos_2d")
    in_timm = lambda **c: in_model("vision_cfg", **dict(timm_model_name="vit_tiny_patch16_224") | c)
    assert "vision_cfg.timm_model_name: 'vit_tiny_patch16_225' is not supported (did you mean 'vit_tiny_patch16_224'?)" in in_timm(timm_model_name="vit_tiny_patch16_225")
    assert "vision_cfg.timm_pool: 'map' is not supported for this trunk" in in_timm(timm_pool="map")
    assert "vision_cfg.timm_pool: 'abs_attn' is not supported" in in_timm(timm_pool="abs_attn")
    assert "vision_cfg.timm_proj: 'conv' is not supported" in in_timm(timm_proj="conv")
    assert "vision_cfg.attentional_pool: 'parallel', expected true or false" in in_model("vision_cfg", attentional_pool="parallel")
    assert "text_cfg.rope: true is not supported: medprobe does not know this field" in in_model("text_cfg", rope=True)
    assert "text_cfg.hf_model_name: 'x/y' is not supported without its config.json" in in_model("text_cfg", hf_model_name="x/y")
    assert "tokenizer_kwargs.clean: 'none' is not supported" in in_model("text_cfg", tokenizer_kwargs={"clean": "none"})
    assert "preprocess_cfg.resize_mode: 'longest' is not supported (shortest, squash)" in say("preprocess_cfg", resize_mode="longest")
    assert "preprocess_cfg.mode: 'L' is not supported" in say("preprocess_cfg", mode="L")
    assert "model_cfg.embed_dim: '20', expected a whole number" in say("model_cfg", embed_dim="20")
    assert "model_cfg: is not there" in lib.refusal(folder, "open_clip_config.json", model_cfg=None)
