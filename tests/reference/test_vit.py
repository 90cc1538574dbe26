# SPDX-License-Identifier: BSD-3-Clause
"""Protects: vision transformers of every layout and kind, layer by layer and at the end, beside the program that publishes them:
OpenAI's clip, open_clip, transformers and timm.

Shapes are small and awkward (widths that fill no vector, odd and non-square pictures); MEDPROBE_PARITY_FULL=1 adds the published
shapes. Bounds: towers_lib. Planted, for good: wrong options are far outside the bound (test_wrong_options_are_seen)."""
import os

import clip.model
import numpy as np
import open_clip
import pytest
import timm
import torch
import transformers as hf

from towers_lib import ImageTower, assert_close, assert_stages, pictures, redraw, save, unit

FULL = pytest.mark.skipif(not os.environ.get("MEDPROBE_PARITY_FULL"),
                          reason="published shapes take a minute: MEDPROBE_PARITY_FULL=1 runs them")


def hooked(module, blocks, x):
    """Output of every block and of the whole, in float32."""
    found, handles = {}, []
    for i, block in enumerate(blocks):
        def keep(_m, _i, out, i=i):
            value = out[0] if isinstance(out, tuple) else out
            found[f"layers.{i}"] = value.detach().reshape(-1, value.shape[-1]).numpy()
        handles.append(block.register_forward_hook(keep))
    with torch.no_grad():
        out = module(x)
    for handle in handles:
        handle.remove()
    return found, out


def compare(tmp_path, module, state, section, forward, blocks, n=4, seed=1, shape=None):
    size = section["image_size"]
    h, w = (size, size) if isinstance(size, int) else size
    batch = pictures(n, (section.get("channels", 3), h, w), seed)
    path = save(state, tmp_path / "m.safetensors")
    with ImageTower(path, section) as tower:
        with torch.no_grad():
            theirs = np.stack([forward(torch.from_numpy(x[None]))[0].reshape(-1).numpy() for x in batch])
        ours = np.stack([tower.run(x) for x in batch])
        difference = assert_close(ours, theirs)
        stages, _ = hooked(lambda x: forward(x), blocks, torch.from_numpy(batch[:1]))
        assert_stages(tower.taps(batch[0]), stages)
        unused = tower.unused()
    return difference, unused, theirs


OPENAI = dict(family="vit", layout="openai", prefix="visual.", image_size=32, patch_size=8, channels=3, layers=3, width=128, heads=2,
              intermediate=512, activation="quick-gelu", layer_norm_eps=1e-5, pre_norm=True, pool="class", final_norm="after-pool",
              projection="visual.proj", projection_order="input-output", output_width=48)


def openai_model(seed=0, **changes):
    sizes = dict(embed_dim=48, image_resolution=32, vision_layers=3, vision_width=128, vision_patch_size=8, context_length=12,
                 vocab_size=64, transformer_width=64, transformer_heads=1, transformer_layers=2, **changes)
    return redraw(clip.model.CLIP(**sizes), seed)


def test_openai(tmp_path):
    model = openai_model()
    _, unused, _ = compare(tmp_path, model, model.visual.state_dict(prefix="visual."), OPENAI, model.visual,
                           [])  # blocks of nn.MultiheadAttention see [L, N, C]: compared in test_open_clip
    assert unused is None


def visual(**cfg):
    cfg = {"image_size": 32, "patch_size": 8, "width": 96, "head_width": 24, "layers": 3, "mlp_ratio": 4.0, **cfg}
    quick = cfg.pop("quick_gelu", False)
    model = open_clip.CLIP(embed_dim=40, vision_cfg=open_clip.CLIPVisionCfg(**cfg),
                           text_cfg=open_clip.CLIPTextCfg(width=32, heads=2, layers=1, vocab_size=50, context_length=8), quick_gelu=quick)
    return redraw(model), model.visual


OPEN_CLIP = dict(OPENAI, width=96, heads=4, intermediate=384, activation="gelu", output_width=40)

OPEN_CLIPS = {
    "plain": ({}, {}),
    "quick gelu": (dict(quick_gelu=True), dict(activation="quick-gelu")),
    "non-square": (dict(image_size=(40, 24)), dict(image_size=[40, 24])),
    "heads of 22, hidden values of 4.3637 (g)": (dict(width=88, head_width=22, mlp_ratio=4.3637), dict(width=88, intermediate=384)),
    "layer scale": (dict(ls_init_value=0.1), dict(layer_scale=True)),
    "no ln_pre, mean of patches, then norm (CLIPA)": (
        dict(no_ln_pre=True, pool_type="avg", final_ln_after_pool=True), dict(pre_norm=False, pool="mean")),
    "eps 1e-6": (dict(norm_kwargs={"eps": 1e-6}), dict(layer_norm_eps=1e-6)),
    "CoCa's pool, another width": (dict(attentional_pool=True, attn_pooler_queries=5, attn_pooler_heads=4),
                                   dict(pool="attention", pool_width=40, pool_heads=4)),
    "CoCa's pool, the tower's width": (dict(width=40, head_width=20, attentional_pool=True, attn_pooler_queries=3, attn_pooler_heads=8),
                                       dict(width=40, heads=2, intermediate=160, pool="attention", pool_width=40, pool_heads=8)),
}


@pytest.mark.parametrize("case", OPEN_CLIPS)
def test_open_clip(tmp_path, case):
    cfg, changes = OPEN_CLIPS[case]
    _, tower = visual(**cfg)
    _, unused, _ = compare(tmp_path, tower, tower.state_dict(prefix="visual."), {**OPEN_CLIP, **changes}, tower, tower.transformer.resblocks)
    assert unused is None


def test_wrong_options_are_seen(tmp_path):
    _, tower = visual()
    path = save(tower.state_dict(prefix="visual."), tmp_path / "m.safetensors")
    batch = pictures(3, (3, 32, 32), 2)
    with torch.no_grad():
        theirs = unit(tower(torch.from_numpy(batch)).numpy())
    for wrong in (dict(activation="quick-gelu"), dict(activation="gelu-tanh"), dict(layer_norm_eps=1e-3), dict(heads=2), dict(pool="mean")):
        with ImageTower(path, {**OPEN_CLIP, **wrong}) as ours:
            difference = np.abs(unit([ours.run(x) for x in batch]) - theirs).max()
            assert difference > 3e-5, (wrong, difference)


@pytest.mark.parametrize("size", [48, 24, (40, 24), (16, 72)])
def test_positions_of_another_size(tmp_path, size):
    """open_clip brings the file's positions to the picture's grid: bicubic with antialias."""
    _, trained = visual()
    _, tower = visual(image_size=size)
    state = trained.state_dict(prefix="visual.")
    resized = dict(state)
    open_clip.model.resize_pos_embed(resized, type("m", (), {"visual": tower})())
    tower.load_state_dict({k.removeprefix("visual."): v for k, v in resized.items()})
    section = {**OPEN_CLIP, "image_size": size if isinstance(size, int) else list(size)}
    with pytest.raises(ValueError, match="positions of 4 x 4 patches"):
        ImageTower(save(state, tmp_path / "m.safetensors"), section)
    compare(tmp_path, tower, state, {**section, "position_resize": "bicubic-antialias"}, tower, tower.transformer.resblocks)


HF_CLIP = dict(family="vit", layout="hf-clip", prefix="vision_model.", image_size=30, patch_size=7, channels=3, layers=2, width=72, heads=3,
               intermediate=100, activation="quick-gelu", layer_norm_eps=1e-5, pre_norm=True, pool="class", final_norm="after-pool",
               projection="visual_projection.weight", output_width=24)


def hf_forward(model):
    return lambda x: model.get_image_features(pixel_values=x)


def test_transformers_clip(tmp_path):
    config = hf.CLIPConfig(vision_config=dict(hidden_size=72, intermediate_size=100, num_hidden_layers=2, num_attention_heads=3, image_size=30,
                                              patch_size=7), text_config=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1,
                                              num_attention_heads=2, vocab_size=99), projection_dim=24)
    model = redraw(hf.CLIPModel(config))
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("text") and k != "logit_scale"}
    compare(tmp_path, model, state, HF_CLIP, hf_forward(model), model.vision_model.encoder.layers)


def test_transformers_siglip(tmp_path):
    config = hf.SiglipConfig(vision_config=dict(hidden_size=72, intermediate_size=100, num_hidden_layers=2, num_attention_heads=3, image_size=32,
                                                patch_size=8), text_config=dict(hidden_size=72, intermediate_size=64, num_hidden_layers=1,
                                                num_attention_heads=2, vocab_size=99))
    model = redraw(hf.SiglipModel(config))
    state = {k: v for k, v in model.state_dict().items() if k.startswith("vision")}
    section = dict(HF_CLIP, image_size=32, patch_size=8, activation="gelu-tanh", layer_norm_eps=1e-6, pre_norm=False, class_token=False, patch_bias=True,
                   positions="patches", pool="attention", pool_heads=3, pool_intermediate=100, final_norm="before-pool")
    del section["projection"], section["output_width"]
    _, unused, _ = compare(tmp_path, model, state, section, hf_forward(model), model.vision_model.encoder.layers)
    assert unused is None


TIMM = dict(family="vit", layout="timm", prefix="", image_size=32, patch_size=8, channels=3, layers=2, width=60, heads=3, intermediate=240,
            activation="gelu", layer_norm_eps=1e-6, patch_bias=True, pool="class", final_norm="before-pool")

TIMMS = {
    "class token": ({}, {}),
    "mean, then fc_norm": (dict(global_pool="avg"), dict(pool="mean", final_norm="after-pool")),
    "SigLIP": (dict(global_pool="map", class_token=False), dict(class_token=False, positions="patches", pool="attention", pool_intermediate=240)),
    "layer scale, no bias of query, key and value": (dict(init_values=0.5, qkv_bias=False), dict(layer_scale=True, qkv_bias=False)),
    "CLIP's (pre-norm, no bias of patches)": (dict(pre_norm=True), dict(pre_norm=True, patch_bias=False)),
    "registers without positions (DINOv2 reg4)": (dict(reg_tokens=4, no_embed_class=True, init_values=0.3),
                                                  dict(registers=4, positions="patches", layer_scale=True)),
    "non-square": (dict(img_size=(24, 40)), dict(image_size=[24, 40])),
}


@pytest.mark.parametrize("case", TIMMS)
def test_timm(tmp_path, case):
    options, changes = TIMMS[case]
    model = timm.models.vision_transformer.VisionTransformer(**{**dict(img_size=32, patch_size=8, embed_dim=60, depth=2, num_heads=3, num_classes=0),
                                                                **options})
    redraw(model)
    _, unused, _ = compare(tmp_path, model, model.state_dict(), {**TIMM, **changes}, model, model.blocks)
    assert unused is None


def eva(**options):
    sizes = dict(img_size=32, patch_size=8, embed_dim=64, depth=2, num_heads=2, num_classes=0, global_pool="token")
    return redraw(timm.models.eva.Eva(**{**sizes, **options}))


EVA = dict(TIMM, width=64, heads=2, intermediate=256)

EVAS = {
    "EVA01": (dict(mlp_ratio=4.0), dict(layout="eva")),
    "EVA02 with SwiGLU, norms inside, rotary positions": (
        dict(qkv_fused=False, mlp_ratio=4 * 2 / 3, swiglu_mlp=True, scale_mlp=True, scale_attn_inner=True, use_rot_pos_emb=True,
             ref_feat_shape=(16, 16)),
        dict(layout="timm-eva02", intermediate=170, mlp="gated", activation="silu", inner_norms=True, rotary_grid=16)),
    "EVA02 E: norms behind": (dict(use_post_norm=True), dict(layout="eva", block_norms="behind")),
    "mean, then fc_norm; rotary on a map of 3 x 5": (
        dict(img_size=(24, 40), qkv_fused=False, mlp_ratio=4 * 2 / 3, swiglu_mlp=True, scale_mlp=True, scale_attn_inner=True,
             use_rot_pos_emb=True, ref_feat_shape=(16, 16), global_pool="avg"),
        dict(image_size=[24, 40], layout="timm-eva02", intermediate=170, mlp="gated", activation="silu", inner_norms=True,
             rotary_grid=16, pool="mean", final_norm="after-pool")),
}


@pytest.mark.parametrize("case", EVAS)
def test_timm_eva(tmp_path, case):
    options, changes = EVAS[case]
    model = eva(**options)
    _, unused, _ = compare(tmp_path, model, model.state_dict(), {**EVA, **changes}, model, model.blocks)
    assert unused is None


AUTHORS = (("attn.norm.", "attn.inner_attn_ln."), ("attn.q_proj.bias", "attn.q_bias"), ("attn.v_proj.bias", "attn.v_bias"), ("mlp.fc1_g.", "mlp.w1."),
           ("mlp.fc1_x.", "mlp.w2."), ("mlp.norm.", "mlp.ffn_ln."), ("mlp.fc2.", "mlp.w3."))


def test_eva_by_the_authors_names(tmp_path):
    """timm's own reader of the authors' files turns the names back; the head is the projection."""
    options, changes = EVAS["EVA02 with SwiGLU, norms inside, rotary positions"]
    model = eva(**{**options, "num_classes": 20})
    state = {}
    for name, value in model.state_dict().items():
        for ours, theirs in AUTHORS:
            name = name.replace(ours, theirs)
        state["visual." + name] = value
    back = timm.models.eva.checkpoint_filter_fn(state, model)
    assert set(back) == set(model.state_dict())
    model.load_state_dict(back)
    section = {**EVA, **changes, **dict(layout="eva02", prefix="visual.", head=[dict(linear="visual.head", width=20)], output_width=20)}
    _, unused, _ = compare(tmp_path, model, state, section, model, model.blocks)
    assert unused is None


@pytest.mark.parametrize("size", [32, (48, 32)])
def test_transformers_blip(tmp_path, size):
    """BLIP's picture tower; its file's positions are brought to another size without antialias."""
    config = hf.BlipVisionConfig(hidden_size=48, intermediate_size=100, num_hidden_layers=2, num_attention_heads=4, image_size=32, patch_size=8,
                                 hidden_act="gelu")
    model = redraw(hf.BlipVisionModel(config))
    section = {**TIMM, **dict(layout="hf-blip", width=48, heads=4, intermediate=100, layer_norm_eps=config.layer_norm_eps, position_resize="bicubic",
                              image_size=size if isinstance(size, int) else list(size))}
    forward = lambda x: model(x, interpolate_pos_encoding=True).last_hidden_state[:, 0]  # pooler_output is normed twice
    _, unused, _ = compare(tmp_path, model, model.state_dict(), section, forward, model.encoder.layers)
    assert unused is None


def test_transformers_vit_with_pooler(tmp_path):
    model = redraw(hf.ViTModel(hf.ViTConfig(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=100, image_size=32,
                                            patch_size=8)))
    section = dict(TIMM, layout="hf-vit", width=48, heads=4, intermediate=100, layer_norm_eps=1e-12,
                   head=[dict(linear="pooler.dense", width=48, activation="tanh")], output_width=48)
    _, unused, _ = compare(tmp_path, model, model.state_dict(), section, lambda x: model(x).pooler_output, model.encoder.layer)
    assert unused is None


DINOS = {
    "plain": (hf.Dinov2Model, hf.Dinov2Config, {}, {}),
    "SwiGLU": (hf.Dinov2Model, hf.Dinov2Config, dict(use_swiglu_ffn=True),
               dict(layout="hf-dinov2-swiglu", mlp="gated", activation="silu", intermediate=128)),
    "registers": (hf.Dinov2WithRegistersModel, hf.Dinov2WithRegistersConfig, dict(num_register_tokens=3), dict(registers=3)),
}


@pytest.mark.parametrize("case", DINOS)
def test_transformers_dinov2(tmp_path, case):
    model_class, config, options, changes = DINOS[case]
    model = redraw(model_class(config(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=7, **options)))
    section = {**TIMM, **dict(layout="hf-dinov2", image_size=28, patch_size=7, width=48, heads=4, intermediate=192, layer_scale=True), **changes}
    compare(tmp_path, model, model.state_dict(), section, lambda x: model(x).pooler_output, model.encoder.layer)


def test_transformers_dinov2_of_another_size(tmp_path):
    model = redraw(hf.Dinov2Model(hf.Dinov2Config(hidden_size=48, num_hidden_layers=2, num_attention_heads=4, image_size=28, patch_size=7)))
    section = {**TIMM, **dict(layout="hf-dinov2", image_size=[42, 35], patch_size=7, width=48, heads=4, intermediate=192, layer_scale=True,
                              position_resize="bicubic")}
    compare(tmp_path, model, model.state_dict(), section, lambda x: model(x).pooler_output, model.encoder.layer)


def test_llava_hidden_state(tmp_path):
    """hidden_states[-2] without the class token, its mean: one layer less and no final norm."""
    model = redraw(hf.CLIPVisionModel(hf.CLIPVisionConfig(hidden_size=48, num_hidden_layers=3, num_attention_heads=4, intermediate_size=100,
                                                          image_size=28, patch_size=7)))
    section = {**HF_CLIP, **dict(image_size=28, width=48, heads=4, layers=2, pool="mean", final_norm="none")}
    del section["projection"], section["output_width"]
    compare(tmp_path, model, model.state_dict(), section,
            lambda x: model(x, output_hidden_states=True).hidden_states[-2][:, 1:].mean(1), model.vision_model.encoder.layers[:2])


@FULL
@pytest.mark.parametrize("tag,changes", [("ViT-B-32", {}), ("ViT-L-14", dict(layers=24, width=1024, heads=16, intermediate=4096, patch_size=14, output_width=768))])
def test_published_shapes(tmp_path, tag, changes):
    model = redraw(open_clip.create_model(tag, load_weights=False))
    section = {**OPENAI, **dict(image_size=224, patch_size=32, width=768, layers=12, heads=12, intermediate=3072, activation="gelu", output_width=512),
               **changes}
    tower = model.visual
    compare(tmp_path, tower, tower.state_dict(prefix="visual."), section, tower, tower.transformer.resblocks, n=3)
