# SPDX-License-Identifier: BSD-3-Clause
"""Protects: folders as transformers saves them, by their path: configuration, processor and weights of small random models; embeddings
beside AutoModel's own with its slow image processor, and the refusals.

Bound: 1e-5 of unit embeddings; what is found is near 1e-7. Faults planted here and seen: another filter, another epsilon.
"""
import gzip
import json

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from transformers.models.clip.tokenization_clip import bytes_to_unicode

import folders_lib as lib
import tokenizers_lib
from towers_lib import pictures as draw_inputs, redraw, settle

transformers.logging.set_verbosity_error()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    at = tmp_path_factory.mktemp("pictures")
    lib.draw(at)
    return at


def read(pictures):
    return [Image.open(pictures / f"{i}.{'png' if i % 2 else 'jpg'}").convert("RGB") for i in range(len(lib.SHAPES))]


def save(folder, model, processor, **redrawn):
    redraw(model, **redrawn).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def slow(folder, pictures):
    processor = transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)
    return processor(images=read(pictures), return_tensors="pt")["pixel_values"]


def pooled(folder, pictures):
    """What AutoModel gives for the pictures: pooler_output, flattened."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        return model(slow(folder, pictures)).pooler_output.flatten(1).numpy()


def far(folder, pictures, tmp_path, mended, **changes):
    """A planted fault: with these fields changed, medprobe is far from what the folder gave before."""
    path = folder / mended
    kept = path.read_text()
    path.write_text(json.dumps(json.loads(kept) | changes))
    try:
        return lib.extract(folder, pictures, tmp_path / "fault.h5")[0]
    finally:
        path.write_text(kept)


# ----------------------------------------------------------------------------------------------------------------- Swin
@pytest.fixture(scope="module")
def swin(tmp_path_factory):
    config = transformers.SwinConfig(image_size=64, patch_size=4, embed_dim=24, depths=[2, 2], num_heads=[2, 4], window_size=4)
    processor = transformers.ViTImageProcessor(size={"height": 64, "width": 64}, image_mean=[0.4, 0.5, 0.6])
    return save(tmp_path_factory.mktemp("a") / "swin .", transformers.SwinModel(config), processor)


def test_swin(swin, pictures, tmp_path):
    want = pooled(swin, pictures)
    ours, _, _ = lib.extract(swin, pictures, tmp_path / "s.h5")
    lib.same_pictures(ours, want)
    other = far(swin, pictures, tmp_path, "preprocessor_config.json", resample=3)
    assert np.abs(other - ours).max() > 1e-3
    other = far(swin, pictures, tmp_path, "config.json", layer_norm_eps=1e-2)
    assert np.abs(other - ours).max() > 1e-4


def test_swin_with_a_head_for_classes(swin, pictures, tmp_path):
    """Names begin with `swin.` then, and there is a classifier: AutoModel loads it, and so do we."""
    folder = tmp_path / "head"
    model = transformers.SwinForImageClassification(transformers.SwinConfig.from_pretrained(swin))
    save(folder, model, transformers.AutoImageProcessor.from_pretrained(swin, use_fast=False), seed=4)
    lib.same_pictures(lib.extract(folder, pictures, tmp_path / "s.h5")[0], pooled(folder, pictures))
    done = lib.medprobe("extract", "--model", folder, "--manifest", pictures / "m.csv", "--log-level", "debug", "--force", "-o", tmp_path / "s.h5")
    assert "model.safetensors: tensor 'classifier.weight' is not used" in done.stderr and "'swin.layernorm.weight'" not in done.stderr


# ----------------------------------------------------------------------------------------------------------------- CLIP
VISION = dict(image_size=48, patch_size=16, hidden_size=40, intermediate_size=72, num_hidden_layers=2, num_attention_heads=4)
TEXT = dict(hidden_size=24, intermediate_size=56, num_hidden_layers=2, num_attention_heads=2)


@pytest.fixture(scope="session")
def clip_tokenizer(tmp_path_factory):
    """CLIP's own merges as vocab.json and merges.txt."""
    at = tmp_path_factory.mktemp("clip-tokenizer")
    lines = gzip.open(lib.ROOT / "configs/vocab/bpe_simple_vocab_16e6.txt.gz", "rt", encoding="utf-8").read().split("\n")
    merges = lines[1:49152 - 256 - 2 + 1]
    symbols = list(bytes_to_unicode().values())
    vocab = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in merges] + ["<|startoftext|>", "<|endoftext|>"]
    (at / "vocab.json").write_text(json.dumps({v: i for i, v in enumerate(vocab)}), encoding="utf-8")
    (at / "merges.txt").write_text("\n".join(["#version: 0.2"] + merges) + "\n", encoding="utf-8")
    return transformers.CLIPTokenizerFast(str(at / "vocab.json"), str(at / "merges.txt"), model_max_length=30)


def clip_processor(**changes):
    return transformers.CLIPImageProcessor(**dict(size={"shortest_edge": 48}, crop_size={"height": 48, "width": 48}) | changes)


def features(model, ids):
    """get_text_features; that of ChineseCLIPModel fails in 4.57.6 (it takes the values of a pooler that the model does not have), its
    forward takes the first row."""
    if isinstance(model, transformers.ChineseCLIPModel):
        return model.text_projection(model.text_model(**ids)[0][:, 0])
    return model.get_text_features(**ids)


def phrases_of(model, tokenizer, **options):
    """get_text_features of the phrases, a class a batch as medprobe takes them."""
    found = []
    for batch in lib.PHRASES.values():
        ids = tokenizer(batch, padding=options.get("padding", True), truncation=True, max_length=options.get("max_length"), return_tensors="pt")
        with torch.no_grad():
            found.append(features(model, ids).numpy())
    return np.concatenate(found)


def dual(folder, pictures, tmp_path, tokenizer, **options):
    """Both sides of a folder beside get_image_features and get_text_features -> the store's attributes."""
    model = transformers.AutoModel.from_pretrained(folder).eval()
    with torch.no_grad():
        want = model.get_image_features(slow(folder, pictures)).numpy()
    ours, texts, attributes = lib.extract(folder, pictures, tmp_path / "s.h5", True)
    lib.same_pictures(ours, want, mean_cosine=0.99)
    lib.same_pictures(texts, phrases_of(model, tokenizer, **options), mean_cosine=0.99)
    return attributes


@pytest.fixture(scope="module")
def clip(tmp_path_factory, clip_tokenizer):
    config = transformers.CLIPConfig(vision_config=VISION, text_config=TEXT, projection_dim=20)
    folder = save(tmp_path_factory.mktemp("a") / "clip", transformers.CLIPModel(config), clip_processor())
    clip_tokenizer.save_pretrained(folder)
    return folder


def test_clip(clip, clip_tokenizer, pictures, tmp_path):
    attributes = dual(clip, pictures, tmp_path, clip_tokenizer)
    scale = transformers.AutoModel.from_pretrained(clip).logit_scale.exp().item()
    assert abs(attributes["logit_scale"] / scale - 1) < 1e-6
    ours = lib.extract(clip, pictures, tmp_path / "s.h5")[0]
    for file, changes in (("preprocessor_config.json", dict(do_center_crop=False, size={"height": 48, "width": 48})),
                          ("preprocessor_config.json", dict(resample=2)),
                          ("config.json", dict(vision_config=json.loads((clip / "config.json").read_text())["vision_config"] | dict(hidden_act="gelu")))):
        assert np.abs(far(clip, pictures, tmp_path, file, **changes) - ours).max() > 1e-3


def test_clip_of_the_first_versions(clip, clip_tokenizer, pictures, tmp_path):
    """eos_token_id 2, sections again as ..._dict, sizes as numbers, the old name of the processor's class, .bin, and no merges."""
    folder = tmp_path / "old"
    folder.mkdir()
    config = json.loads((clip / "config.json").read_text())
    config["text_config"]["eos_token_id"] = 2
    config["text_config_dict"] = dict(config["text_config"])
    config["vision_config_dict"] = config["vision_config"] | dict(hidden_act="gelu")
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(
        {"feature_extractor_type": "CLIPFeatureExtractor", "size": 48, "crop_size": 48, "do_resize": True, "resample": 3}))
    torch.save(transformers.AutoModel.from_pretrained(clip).state_dict(), folder / "pytorch_model.bin")
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": int(1e30), "tokenizer_class": "CLIPTokenizer"}))
    card = lib.card(folder)
    assert card["text"]["pool"] == "largest" and card["image"]["activation"] == "gelu" and card["tokenizer"]["max_length"] == 77
    dual(folder, pictures, tmp_path, clip_tokenizer, max_length=77)


@pytest.mark.parametrize("projection", [True, False])
def test_clip_vision_alone(pictures, tmp_path, projection):
    config = transformers.CLIPVisionConfig(**VISION, projection_dim=20, hidden_act="gelu")
    kind = transformers.CLIPVisionModelWithProjection if projection else transformers.CLIPVisionModel
    save(tmp_path, kind(config), clip_processor())
    with torch.no_grad():
        want = kind.from_pretrained(tmp_path).eval()(slow(tmp_path, pictures))
    want = want.image_embeds if projection else want.pooler_output
    lib.same_pictures(lib.extract(tmp_path, pictures, tmp_path / "s.h5")[0], want.numpy())


def test_clip_text_alone(clip_tokenizer, pictures, tmp_path):
    """`extract` is for pictures; the card is made all the same."""
    model = redraw(transformers.CLIPTextModelWithProjection(transformers.CLIPTextConfig(**TEXT, projection_dim=20)))
    model.save_pretrained(tmp_path)
    clip_tokenizer.save_pretrained(tmp_path)
    card = lib.card(tmp_path)
    assert card["embedding_width"] == 20 and card["text"]["projection"] == "text_projection.weight" and "image" not in card
    done = lib.medprobe("extract", "--model", tmp_path, "--manifest", pictures / "m.csv", "-o", tmp_path / "s.h5")
    assert done.returncode == 2 and "reads texts only" in done.stderr


def test_vocabularies_that_do_not_fit(clip, pictures):
    path = clip / "config.json"
    kept = path.read_text()
    config = json.loads(kept)
    config["text_config"]["vocab_size"] = 50000
    path.write_text(json.dumps(config))
    done = lib.medprobe("extract", "--model", clip, "--manifest", pictures / "m.csv", "--prompts", pictures / "prompts.yaml", "-o", clip / "s.h5")
    path.write_text(kept)
    assert done.returncode != 0 and done.stderr.count("token_embedding.weight") == 1, done.stderr


def wordpiece(folder):
    words = "[PAD] [UNK] [CLS] [SEP] [MASK] an opacity in the left lung . no effusion , 12 cm ; ##s normal t ##u ##b ##e ##r c ##l ##o i".split(" ")
    (folder / "vocab.txt").write_text("\n".join(words) + "\n")
    return transformers.BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=24), len(words)


def test_chinese_clip(pictures, tmp_path):
    tokenizer, n = wordpiece(tmp_path)
    text = TEXT | dict(vocab_size=n, max_position_embeddings=30)
    config = transformers.ChineseCLIPConfig(vision_config=VISION, text_config=text, projection_dim=20)
    processor = transformers.ChineseCLIPImageProcessor(size={"height": 56, "width": 60}, crop_size={"height": 48, "width": 48})
    save(tmp_path / "c", transformers.ChineseCLIPModel(config), processor)
    tokenizer.save_pretrained(tmp_path / "c")
    dual(tmp_path / "c", pictures, tmp_path, tokenizer)


# ---------------------------------------------------------------------------------------------------------- pictures only
def test_vit(pictures, tmp_path):
    config = transformers.ViTConfig(image_size=48, patch_size=8, hidden_size=36, intermediate_size=60, num_hidden_layers=2, num_attention_heads=3,
                                    hidden_act="gelu_new", qkv_bias=False)
    processor = transformers.ViTImageProcessor(size={"height": 48, "width": 48}, do_normalize=False)
    save(tmp_path, transformers.ViTModel(config), processor)
    lib.same_pictures(lib.extract(tmp_path, pictures, tmp_path / "s.h5")[0], pooled(tmp_path, pictures), mean_cosine=0.995)
    save(tmp_path / "without", transformers.ViTModel(config, add_pooling_layer=False), processor)
    done = lib.medprobe("models", "show", tmp_path / "without")
    assert done.returncode == 1 and "model.safetensors: has no pooler" in done.stderr


@pytest.mark.parametrize("registers", [0, 3])
@pytest.mark.parametrize("gated", [False, True])
def test_dinov2(pictures, tmp_path, registers, gated):
    """The processor's pictures are of another size than the positions: 4 x 5 patches of 7 x 7."""
    options = dict(image_size=98, patch_size=14, hidden_size=40, num_hidden_layers=2, num_attention_heads=4, use_swiglu_ffn=gated)
    if registers:
        model = transformers.Dinov2WithRegistersModel(transformers.Dinov2WithRegistersConfig(**options, num_register_tokens=registers))
    else:
        model = transformers.Dinov2Model(transformers.Dinov2Config(**options))
    processor = transformers.BitImageProcessor(size={"shortest_edge": 75}, crop_size={"height": 56, "width": 70})
    save(tmp_path, model, processor)
    lib.same_pictures(lib.extract(tmp_path, pictures, tmp_path / "s.h5")[0], pooled(tmp_path, pictures), mean_cosine=0.99)


@pytest.mark.parametrize("kind", ["bottleneck", "basic", "narrow"])
def test_resnet(pictures, tmp_path, kind):
    config = transformers.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32, 40], depths=[1, 2, 1], downsample_in_bottleneck=kind == "narrow",
                                       layer_type="basic" if kind == "basic" else "bottleneck", downsample_in_first_stage=kind == "basic")
    size = {"shortest_edge": 384 if kind == "bottleneck" else 75}  # squeezed; cropped
    processor = transformers.ConvNextImageProcessor(size=size, crop_pct=0.9)
    save(tmp_path, transformers.ResNetModel(config), processor)
    lib.same_pictures(lib.extract(tmp_path, pictures, tmp_path / "s.h5")[0], pooled(tmp_path, pictures), mean_cosine=0.9995)


@pytest.mark.parametrize("second", [False, True])
def test_convnext(pictures, tmp_path, second):
    options = dict(hidden_sizes=[12, 24, 36], depths=[1, 2, 1], num_stages=3, layer_norm_eps=1e-5)
    model = transformers.ConvNextV2Model(transformers.ConvNextV2Config(**options)) if second else \
        transformers.ConvNextModel(transformers.ConvNextConfig(**options))
    save(tmp_path, model, transformers.ConvNextImageProcessor(size={"shortest_edge": 64}, resample=3))
    lib.same_pictures(lib.extract(tmp_path, pictures, tmp_path / "s.h5")[0], pooled(tmp_path, pictures), mean_cosine=0.995)


# ---------------------------------------------------------------------------------------------------- other dual encoders
@pytest.fixture(scope="module")
def siglip(tmp_path_factory):
    at = tmp_path_factory.mktemp("siglip")
    tokenizers_lib.train(at / "spiece.model", vocab_size=400, eos_id=1, unk_id=2, bos_id=-1, pad_id=-1)
    tokenizer = transformers.SiglipTokenizer(str(at / "spiece.model"), model_max_length=20, model_input_names=["input_ids"])
    config = transformers.SiglipConfig(vision_config=VISION | dict(hidden_size=36, num_attention_heads=3, intermediate_size=50),
                                       text_config=TEXT | dict(hidden_size=36, num_attention_heads=3, vocab_size=len(tokenizer), max_position_embeddings=20))
    processor = transformers.SiglipImageProcessor(size={"height": 48, "width": 48})
    folder = save(at / "model", transformers.SiglipModel(config), processor)
    tokenizer.save_pretrained(folder)
    return folder, tokenizer


def test_siglip(siglip, pictures, tmp_path):
    folder, tokenizer = siglip
    attributes = dual(folder, pictures, tmp_path, tokenizer, padding="max_length")
    model = transformers.AutoModel.from_pretrained(folder)
    assert abs(attributes["logit_scale"] / model.logit_scale.exp().item() - 1) < 1e-6
    assert abs(attributes["logit_bias"] - model.logit_bias.item()) < 1e-6


def test_siglip_vision_alone(siglip, pictures, tmp_path):
    model = transformers.SiglipVisionModel.from_pretrained(siglip[0])
    model.save_pretrained(tmp_path)
    transformers.AutoImageProcessor.from_pretrained(siglip[0], use_fast=False).save_pretrained(tmp_path)
    lib.same_pictures(lib.extract(tmp_path, pictures, tmp_path / "s.h5")[0], pooled(tmp_path, pictures))


@pytest.mark.parametrize("top", [False, True])
def test_align(pictures, tmp_path, top):
    tokenizer, n = wordpiece(tmp_path)
    vision = dict(width_coefficient=0.6, depth_coefficient=0.5, hidden_dim=192)
    text = TEXT | dict(vocab_size=n, max_position_embeddings=70)
    model = redraw(transformers.AlignModel(transformers.AlignConfig(vision_config=vision, text_config=text, projection_dim=192)))
    settle(model.vision_model, draw_inputs(8, (3, 65, 65), 3), 3)
    with torch.no_grad():
        model.temperature.fill_(0.3)
    model.save_pretrained(tmp_path / "a")
    transformers.EfficientNetImageProcessor(size={"height": 80, "width": 76}, crop_size={"height": 65, "width": 65}, do_center_crop=True, resample=2,
                                            rescale_factor=1 / 127.5, rescale_offset=True, do_normalize=top, include_top=top).save_pretrained(tmp_path / "a")
    tokenizer.save_pretrained(tmp_path / "a")
    attributes = dual(tmp_path / "a", pictures, tmp_path, tokenizer, padding="max_length", max_length=24)
    assert abs(attributes["logit_scale"] * 0.3 - 1) < 1e-6


def test_blip_for_retrieval(pictures, tmp_path):
    tokenizer, n = wordpiece(tmp_path)
    config = transformers.BlipConfig(vision_config=VISION, text_config=TEXT | dict(vocab_size=n, max_position_embeddings=30, encoder_hidden_size=40),
                                     image_text_hidden_size=16)
    folder = save(tmp_path / "b", transformers.BlipForImageTextRetrieval(config), transformers.BlipImageProcessor(size={"height": 48, "width": 48}))
    tokenizer.save_pretrained(folder)
    model = transformers.BlipForImageTextRetrieval.from_pretrained(folder).eval()
    ours, texts, _ = lib.extract(folder, pictures, tmp_path / "s.h5", True)
    with torch.no_grad():
        want = model.vision_proj(model.vision_model(slow(folder, pictures))[0][:, 0])
        ids = [tokenizer(batch, padding=True, truncation=True, return_tensors="pt") for batch in lib.PHRASES.values()]
        text = torch.cat([model.text_proj(model.text_encoder(i["input_ids"], attention_mask=i["attention_mask"])[0][:, 0]) for i in ids])
    lib.same_pictures(ours, want.numpy())
    lib.same_pictures(texts, text.numpy(), mean_cosine=0.99)


# ------------------------------------------------------------------------------------------------------------- refusals
def test_refusals_name_field_and_value(swin):
    say = lambda file, **changes: lib.refusal(swin, file, **changes)
    assert "config.json: model_type: 'swim' is not supported (did you mean 'swin'?)" in say("config.json", model_type="swim")
    assert "config.json: model_type: is not there" in say("config.json", model_type=None)
    assert "config.json: hidden_act: 'mish' is not supported" in say("config.json", hidden_act="mish")
    assert "config.json: hidden_act: 'relu' is not supported (expected \"gelu\")" in say("config.json", hidden_act="relu")
    assert "config.json: use_absolute_embeddings: true is not supported" in say("config.json", use_absolute_embeddings=True)
    assert "config.json: is_decoder: true is not supported (expected false)" in say("config.json", is_decoder=True)
    assert "config.json: rope_theta: 10000 is not supported: medprobe does not know this field" in say("config.json", rope_theta=1e4)
    assert "config.json: quantization_config: {...} is not supported" in say("config.json", quantization_config={"bits": 4})
    assert "config.json: embed_dim: -1, expected a whole number" in say("config.json", embed_dim=-1)
    assert "config.json: embed_dim: [2, 3], expected a whole number" in say("config.json", embed_dim=[2, 3])
    assert "config.json: depths: 'x', expected a list" in say("config.json", depths="x")
    assert "config.json: num_heads: [1] is not supported (expected as many as depths)" in say("config.json", num_heads=[1])
    assert "config.json: qkv_bias: 1, expected true or false" in say("config.json", qkv_bias=1)
    assert "config.json: patch_size: [4, 2] is not supported (height and width have to be equal)" in say("config.json", patch_size=[4, 2])
    p = "preprocessor_config.json"
    assert f"{p}: image_processor_type: 'SamImageProcessor' is not supported" in say(p, image_processor_type="SamImageProcessor")
    assert f"{p}: resample: 6 is not supported (0 to 5, Pillow's filters)" in say(p, resample=6)
    assert f"{p}: do_resize: false is not supported" in say(p, do_resize=False)
    assert f"{p}: do_rescale: false is not supported" in say(p, do_rescale=False)
    assert f"{p}: rescale_factor: 0.00784313725 is not supported (expected 1/255)" in say(p, rescale_factor=1 / 127.5)
    assert f"{p}: image_mean: [0.5, 0.5] is not supported (expected three numbers)" in say(p, image_mean=[0.5, 0.5])
    assert f"{p}: size.longest_edge: 64 is not supported" in say(p, size={"height": 64, "width": 64, "longest_edge": 64})
    assert f"{p}: do_pad: true is not supported" in say(p, do_pad=True)


def test_hostile_strings_stay_in_their_place(swin):
    line = lib.refusal(swin, "config.json", **{"x\n\x1b[2J": "y\n: z"})
    assert "config.json: x\\n\\x1b[2J: 'y\\n: z' is not supported" in line and "\x1b" not in line
    assert lib.card(swin)["folder"] == str(swin) and lib.card(swin)["name"] == "swin-."


def test_what_is_missing_is_named(swin, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    done = lib.medprobe("models", "show", empty)
    assert done.returncode == 1 and "is no model's folder: " in done.stderr and "config.json" in done.stderr
    (empty / "config.json").write_text((swin / "config.json").read_text())
    assert "preprocessor_config.json: is not there" in lib.medprobe("models", "show", empty).stderr
    (empty / "preprocessor_config.json").write_text((swin / "preprocessor_config.json").read_text())
    assert lib.medprobe("models", "show", empty).returncode == 0
    (tmp_path / "m.csv").write_text("path\nx.png\n")
    done = lib.medprobe("extract", "--model", empty, "--manifest", tmp_path / "m.csv", "-o", tmp_path / "s.h5")
    assert done.returncode != 0 and "names no file for its weights (give one with --weights)" in done.stderr
    (empty / "config.json").write_text("[1]")
    assert "config.json: expected an object" in lib.medprobe("models", "show", empty).stderr
    (empty / "config.json").write_text('{"model_type": ')
    assert "config.json: line 1" in lib.medprobe("models", "show", empty).stderr
