# SPDX-License-Identifier: BSD-3-Clause
"""Protects: text towers of CLIP's kind in every layout, layer by layer and at the end, beside the program that publishes them:
OpenAI's clip, open_clip (CoCa's padding mask included) and transformers.

Bounds: towers_lib. Planted, for good: wrong options are far outside the bound (test_wrong_options_are_seen)."""
import clip.model
import numpy as np
import open_clip
import pytest
import torch
import transformers as hf

from towers_lib import TextTower, assert_close, assert_stages, redraw, save, unit

VOCAB, START, END, CONTEXT = 70, 68, 69, 12


def texts(seed=0, context=CONTEXT, pad=0, start=START, end=END, most=None):
    """ids [T, context] of texts of every length, [start] ids [end] and then pad; lengths [T]."""
    random = np.random.default_rng(seed)
    ids, lengths = np.full((context - 1, context), pad, np.int32), []
    for t, n in enumerate(range(context - 1)):
        row = [start, *random.integers(1, 60, n), end][:context]
        ids[t, :len(row)] = row
        lengths.append(len(row))
    return ids, np.array(lengths)


def compare(tmp_path, state, section, forward, ids, lengths, blocks=None, text_first=True):
    """forward: ids tensor -> features. Stages are compared on the first rows, as many as medprobe computes."""
    with TextTower(save(state, tmp_path / "m.safetensors"), section) as tower:
        with torch.no_grad():
            theirs = forward(torch.from_numpy(ids.astype(np.int64))).numpy()
        assert_close(tower.run(ids, lengths), theirs)
        assert np.array_equal(tower.run(ids, lengths, threads=2), tower.run(ids, lengths))
        if blocks is not None:
            found, handles = {}, []
            for i, block in enumerate(blocks):
                handles.append(block.register_forward_hook(
                    lambda _m, _i, out, i=i: found.update({f"layers.{i}": (out[0] if isinstance(out, tuple) else out)[0]})))
            row = len(ids) // 2
            with torch.no_grad():
                forward(torch.from_numpy(ids[row:row + 1].astype(np.int64)))
            for handle in handles:
                handle.remove()
            taps = tower.taps(ids[row], lengths[row])
            assert_stages(taps, {name: value.reshape(-1, value.shape[-1])[:len(taps[name])].numpy() for name, value in found.items()})
        return tower.unused()


OPENAI = dict(family="clip-text", layout="openai", layers=3, width=64, heads=2, intermediate=256, vocab_size=VOCAB, positions=CONTEXT,
              activation="quick-gelu", layer_norm_eps=1e-5, pool="largest", projection="text_projection", projection_order="input-output",
              output_width=24)


def test_openai(tmp_path):
    model = redraw(clip.model.CLIP(embed_dim=24, image_resolution=16, vision_layers=1, vision_width=64, vision_patch_size=8, context_length=CONTEXT,
                                   vocab_size=VOCAB, transformer_width=64, transformer_heads=2, transformer_layers=3))
    state = {k: v for k, v in model.state_dict().items() if not k.startswith("visual") and k != "logit_scale"}
    assert compare(tmp_path, state, OPENAI, model.encode_text, *texts()) is None


def open_clip_text(**cfg):
    quick = cfg.pop("quick_gelu", False)
    cfg = dict(context_length=CONTEXT, vocab_size=VOCAB, width=66, heads=3, layers=2, **cfg)
    model = open_clip.CustomTextCLIP(embed_dim=20, vision_cfg=open_clip.CLIPVisionCfg(layers=1, width=64, patch_size=8, image_size=16),
                                     text_cfg=open_clip.CLIPTextCfg(**cfg), quick_gelu=quick)
    return redraw(model)


CUSTOM = dict(OPENAI, prefix="text.", layers=2, width=66, heads=3, intermediate=264, activation="gelu", projection="text.text_projection",
              output_width=20)

CUSTOMS = {
    "plain": ({}, {}),
    "quick gelu": (dict(quick_gelu=True), dict(activation="quick-gelu")),
    "mlp 3.7362": (dict(mlp_ratio=3.7362), dict(intermediate=246)),
    "pool last, not causal, projection with bias (SigLIP)": (
        dict(pool_type="last", no_causal_mask=True, proj_bias=True, norm_kwargs={"eps": 1e-6}),
        dict(pool="last", causal=False, layer_norm_eps=1e-6, projection=None, projection_order=None,
             head=[dict(linear="text.text_projection", width=20)])),
    "pool first": (dict(pool_type="first", no_causal_mask=True), dict(pool="first", causal=False)),
    "pool end": (dict(pool_type="eos", eos_id=END), dict(pool="end", end_id=END)),
    "layer scale": (dict(ls_init_value=0.2), dict(layer_scale=True)),
    "tanh gelu": (dict(act_kwargs={"approximate": "tanh"}), dict(activation="gelu-tanh")),
}


@pytest.mark.parametrize("case", CUSTOMS)
def test_open_clip(tmp_path, case):
    cfg, changes = CUSTOMS[case]
    model = open_clip_text(**cfg)
    section = {k: v for k, v in {**CUSTOM, **changes}.items() if v is not None}
    state = model.text.state_dict(prefix="text.")
    assert compare(tmp_path, state, section, model.encode_text, *texts(1), model.text.transformer.resblocks) is None


def test_wrong_options_are_seen(tmp_path):
    model = open_clip_text()
    path = save(model.text.state_dict(prefix="text."), tmp_path / "m.safetensors")
    ids, lengths = texts(2)
    with torch.no_grad():
        theirs = unit(model.encode_text(torch.from_numpy(ids.astype(np.int64))).numpy())
    for wrong in (dict(causal=False), dict(activation="quick-gelu"), dict(activation="gelu-tanh"), dict(layer_norm_eps=1e-3), dict(heads=2),
                  dict(pool="first"), dict(pool="last")):
        with TextTower(path, {**CUSTOM, **wrong}) as tower:
            difference = np.abs(unit(tower.run(ids, lengths)) - theirs).max()
            assert difference > 3e-5, (wrong, difference)


def test_coca(tmp_path):
    """Texts of every length up to the whole context: the class row sees the first padding and, full texts apart, not itself."""
    cfg = open_clip.CLIPTextCfg(context_length=CONTEXT, vocab_size=VOCAB, width=66, heads=3, layers=3, embed_cls=True, output_tokens=True)
    text = redraw(open_clip.model._build_text_tower(embed_dim=20, text_cfg=cfg))
    section = dict(CUSTOM, layers=3, positions=CONTEXT + 1, pool="class")
    ids, lengths = texts(3)
    full = np.r_[START, np.random.default_rng(4).integers(1, 60, CONTEXT - 2), END].astype(np.int32)
    ids, lengths = np.r_[ids, full[None]], np.r_[lengths, CONTEXT]
    assert set(lengths) == set(range(2, CONTEXT + 1))
    state = text.state_dict(prefix="text.")
    assert compare(tmp_path, state, section, lambda x: text(x)[0], ids, lengths) is None


HF_CLIP = dict(family="clip-text", layout="hf-clip", prefix="text_model.", layers=2, width=48, heads=4, intermediate=100, vocab_size=VOCAB,
               positions=CONTEXT, activation="quick-gelu", layer_norm_eps=1e-5, pool="end", end_id=END, projection="text_projection.weight",
               output_width=24)


@pytest.mark.parametrize("end_id,pool,pad", [(END, dict(pool="end", end_id=END), END), (END, dict(pool="end", end_id=END), 0),
                                             (2, dict(pool="largest", end_id=None), 0)])
def test_transformers_clip(tmp_path, end_id, pool, pad):
    """An old config's eos_token_id 2 stands for argmax."""
    config = hf.CLIPConfig(text_config=dict(hidden_size=48, intermediate_size=100, num_hidden_layers=2, num_attention_heads=4, vocab_size=VOCAB,
                                            max_position_embeddings=CONTEXT, eos_token_id=end_id, bos_token_id=START, pad_token_id=pad),
                           vision_config=dict(hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, image_size=16,
                                              patch_size=8), projection_dim=24)
    model = redraw(hf.CLIPModel(config))
    section = {k: v for k, v in {**HF_CLIP, **pool}.items() if v is not None}
    state = {k: v for k, v in model.state_dict().items() if k.startswith("text")}
    assert compare(tmp_path, state, section, lambda x: model.get_text_features(x), *texts(5, pad=pad), model.text_model.encoder.layers) is None


def test_transformers_siglip(tmp_path):
    config = hf.SiglipConfig(text_config=dict(hidden_size=48, intermediate_size=100, num_hidden_layers=2, num_attention_heads=4, vocab_size=VOCAB,
                                              max_position_embeddings=CONTEXT),
                             vision_config=dict(hidden_size=48, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, image_size=16,
                                                patch_size=8))
    model = redraw(hf.SiglipModel(config))
    section = dict(HF_CLIP, activation="gelu-tanh", layer_norm_eps=1e-6, causal=False, pool="last",
                   head=[dict(linear="text_model.head", width=48)], output_width=48)
    for key in ("end_id", "projection"):
        del section[key]
    state = {k: v for k, v in model.state_dict().items() if k.startswith("text")}
    assert compare(tmp_path, state, section, lambda x: model.get_text_features(x), *texts(6, pad=1), model.text_model.encoder.layers) is None


def test_stable_diffusion(tmp_path):
    """1: last_hidden_state at the first end; 2: open_clip's tower without its last block, final norm, no projection."""
    config = hf.CLIPTextConfig(hidden_size=48, intermediate_size=100, num_hidden_layers=2, num_attention_heads=4, vocab_size=VOCAB,
                               max_position_embeddings=CONTEXT, eos_token_id=END)
    model = redraw(hf.CLIPTextModel(config))
    section = {k: v for k, v in HF_CLIP.items() if k not in ("projection", "output_width")}
    compare(tmp_path, model.state_dict(), section, lambda x: model(x).pooler_output, *texts(7))
    text = open_clip_text().text
    ids, lengths = texts(8)

    def penultimate(x):
        h = text.token_embedding(x) + text.positional_embedding
        for block in text.transformer.resblocks[:-1]:
            h = block(h, attn_mask=text.attn_mask)
        return text.ln_final(h)[torch.arange(len(x)), x.argmax(-1)]

    section = {k: v for k, v in dict(CUSTOM, layers=1).items() if k not in ("projection", "projection_order", "output_width")}
    compare(tmp_path, text.state_dict(prefix="text."), section, penultimate, ids, lengths)
