# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the image side of BLIP-2's image-text contrast: a ViT (EVA g), then query vectors from BERT's blocks with
cross-attention, then the projection, under transformers' names and LAVIS', against transformers' Blip2ForImageTextRetrieval, block
by block; and the score, the largest cosine over the queries, with the text side of test_text_towers.py.

Planted, for good: cross-attention in every block, in every third, the text's MLP, no norm of tokens; each is seen."""
import numpy as np
import pytest
import torch
import transformers

from towers_lib import UNIT_BOUND, ImageTower, TextTower, assert_close, assert_stages, pictures, redraw, save, unit

VISION = dict(hidden_size=44, num_hidden_layers=2, num_attention_heads=2, intermediate_size=60, image_size=[35, 35], patch_size=7, qkv_bias=True)
QFORMER = dict(hidden_size=36, num_hidden_layers=4, num_attention_heads=3, intermediate_size=50, vocab_size=90, max_position_embeddings=40,
               encoder_hidden_size=44, cross_attention_frequency=2, use_qformer_text_input=True)
IMAGE = dict(family="vit", layout="hf-blip", prefix="vision_model.", image_size=35, patch_size=7, channels=3, layers=2, width=44, heads=2,
             intermediate=60, activation="gelu", layer_norm_eps=1e-6, patch_bias=True, pool="queries", final_norm="before-pool",
             qformer=dict(layout="hf-blip2", layers=4, width=36, heads=3, intermediate=50, queries=5, cross_every=2, layer_norm_eps=1e-12),
             head=[dict(linear="vision_projection", width=24)], output_width=24)
TEXT = dict(family="bert", layout="hf-blip2", layers=4, width=36, heads=3, intermediate=50, vocab_size=90, positions=40, token_types=0,
            layer_norm_eps=1e-12, pooling="class", head=[dict(linear="text_projection", width=24)], output_width=24)


def made():
    torch.manual_seed(0)
    model = transformers.Blip2ForImageTextRetrieval(transformers.Blip2Config(
        vision_config=VISION | dict(image_size=35), qformer_config=QFORMER, image_text_hidden_size=24, num_query_tokens=5))
    redraw(model, gain=1.3)
    with torch.no_grad():
        model.query_tokens.normal_()
        for layer in model.vision_model.encoder.layers:  # LAVIS has no bias of keys
            layer.self_attn.qkv.bias.view(3, -1)[1] = 0
    return model


def lavis(state):
    """The published names of LAVIS for the same tensors."""
    found = {}
    for name, value in state.items():
        if name.startswith("vision_model.embeddings."):
            name = "visual_encoder." + {"class_embedding": "cls_token", "position_embedding": "pos_embed", "patch_embedding.weight":
                                        "patch_embed.proj.weight", "patch_embedding.bias": "patch_embed.proj.bias"}[name.split(".", 2)[2]]
        elif name.startswith("vision_model.post_layernorm."):
            name = name.replace("vision_model.post_layernorm", "ln_vision")
        elif name.endswith("self_attn.qkv.bias"):
            block = "visual_encoder.blocks." + name.split(".")[3] + ".attn."
            found[block + "q_bias"], _, found[block + "v_bias"] = value.chunk(3)
            continue
        elif name.startswith("vision_model."):
            name = name.replace("vision_model.encoder.layers", "visual_encoder.blocks").replace("layer_norm", "norm")
            name = name.replace("self_attn.projection", "attn.proj").replace("self_attn", "attn")
        elif name.startswith("embeddings."):
            name = "Qformer.bert." + name
        else:
            name = name.replace("qformer.layernorm", "Qformer.bert.embeddings.LayerNorm").replace("qformer.encoder", "Qformer.bert.encoder")
            name = name.replace("attention.attention", "attention.self").replace("_projection.", "_proj.")
        found[name] = value
    return found


LAVIS_IMAGE = IMAGE | dict(layout="eva", prefix="visual_encoder.", final_norm="none", head=[dict(linear="vision_proj", width=24)],
                           qformer=IMAGE["qformer"] | dict(layout="bert", prefix="Qformer.bert.", token_norm="ln_vision", token_norm_eps=1e-5))
LAVIS_TEXT = TEXT | dict(layout="bert", prefix="Qformer.bert.", head=[dict(linear="text_proj", width=24)])


@pytest.fixture(scope="module", params=["transformers", "lavis"])
def files(request, tmp_path_factory):
    """The reference, its file, and both sections."""
    model, path = made(), tmp_path_factory.mktemp("blip2") / "model.safetensors"
    if request.param == "transformers":
        return model, save(model.state_dict(), path), IMAGE, TEXT
    model.vision_model.post_layernorm.eps = 1e-5  # LAVIS' ln_vision has torch's default
    return model, save(lavis(model.state_dict()), path), LAVIS_IMAGE, LAVIS_TEXT


def reference(model, batch, dtype=torch.float32):
    """Vectors [n, Q, D], and of the first picture what goes into every block of queries and comes out."""
    kept, layers = [], [model.qformer.layernorm, *model.qformer.encoder.layer]
    hooks = [m.register_forward_hook(lambda _m, _i, out: kept.append(out[0] if out.dim() == 3 else out)) for m in layers]
    model.to(dtype)
    with torch.no_grad():
        tokens = model.vision_model(torch.from_numpy(batch).to(dtype)).last_hidden_state
        queries = model.qformer(query_embeds=model.query_tokens.expand(len(batch), -1, -1), encoder_hidden_states=tokens).last_hidden_state
        vectors = model.vision_projection(queries).numpy()
    model.to(torch.float32)
    for hook in hooks:
        hook.remove()
    names = ["queries"] + [f"queries.{i}" for i in range(len(layers) - 1)]
    return vectors, {name: value.numpy() for name, value in zip(names, kept, strict=True)}


@pytest.mark.parametrize("kernel", ["portable", None])
def test_vectors(files, kernel):
    model, path, section, _ = files
    batch = pictures(6, (3, 35, 35), 1)
    single, _ = reference(model, batch)
    double, stages = reference(model, batch, torch.float64)
    with ImageTower(path, section, kernel) as tower:
        assert (tower.vectors, tower.width) == (5, 24)
        found = np.stack([tower.run(picture) for picture in batch])
        assert_stages(tower.taps(batch[0]), stages)
    for theirs in (single, double):
        for q in range(5):
            assert_close(found[:, q], theirs[:, q], mean_cosine=0.98)
    assert np.abs(np.linalg.norm(found, axis=2) / np.linalg.norm(double, axis=2) - 1).max() < 1e-5


def test_score(files):
    """transformers' own output: the largest cosine over the queries."""
    model, path, image, text = files
    batch = pictures(4, (3, 35, 35), 2)
    ids = np.random.default_rng(1).integers(2, 90, (4, 11))
    lengths = np.array([4, 11, 7, 2])
    mask = (np.arange(11)[None] < lengths[:, None]).astype(np.int64)
    with torch.no_grad():
        expected = model(pixel_values=torch.from_numpy(batch), input_ids=torch.from_numpy(ids), attention_mask=torch.from_numpy(mask)).logits_per_image
    with ImageTower(path, image) as tower, TextTower(path, text) as other:
        cosines = np.einsum("nqd,td->nqt", unit([tower.run(x) for x in batch]), unit(other.run(ids, lengths)))
    difference = np.abs(cosines.max(1) - expected.numpy()).max()
    print("largest difference of scores", difference)
    assert difference < 1e-6
    assert np.abs(cosines.mean(1) - expected.numpy()).max() > 1e-3


def test_faults_would_be_seen(files):
    model, path, section, _ = files
    batch = pictures(2, (3, 35, 35), 3)
    expected, _ = reference(model, batch)
    faults = {"cross-attention in every fourth block": dict(cross_every=4), "in every block": dict(cross_every=1), "quick GELU": dict(activation="quick-gelu"),
              "eps": dict(layer_norm_eps=1e-2), "fewer heads": dict(heads=2), "a norm of tokens too many or of another eps":
              dict(token_norm=("ln_vision" if section is LAVIS_IMAGE else "vision_model.post_layernorm"), token_norm_eps=0.1)}
    for fault, change in faults.items():
        try:
            with ImageTower(path, section | dict(qformer=section["qformer"] | change)) as tower:
                found = np.stack([tower.run(picture) for picture in batch])
        except ValueError as error:
            print(fault, "is refused:", error)
            assert "crossattention" in str(error)
            continue
        assert np.abs(unit(found) - unit(expected)).max() > 10 * UNIT_BOUND, fault


@pytest.mark.parametrize("change, message", [
    (dict(pool="class"), "'qformer' without pool: queries"),
    (dict(final_norm="after-pool"), "final_norm: after-pool with pool: queries"),
    (dict(qformer=None), "key 'qformer' is missing"),
    (dict(qformer=IMAGE["qformer"] | dict(heads=5)), "width 36 is no multiple of 5 heads"),
    (dict(qformer=IMAGE["qformer"] | dict(token_norm_eps=1e-5)), "'token_norm_eps' without 'token_norm'"),
    (dict(qformer=IMAGE["qformer"] | dict(queries=6)), "query_tokens"),
    (dict(qformer=IMAGE["qformer"] | dict(depth=6)), "unknown key 'depth'"),
])
def test_what_does_not_fit_is_named(tmp_path, change, message):
    path = save(made().state_dict(), tmp_path / "model.safetensors")
    section = {key: value for key, value in (IMAGE | change).items() if value is not None}
    with pytest.raises(ValueError) as error:
        ImageTower(path, section)
    print(error.value)
    assert message in str(error.value)
