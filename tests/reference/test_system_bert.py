# SPDX-License-Identifier: BSD-3-Clause
"""Protects: cards whose texts go through a tower of BERT's kind, as whole systems: picture files and prompts through the program,
against the publishers' own code or, where it cannot be installed, their steps over torch, timm, torchvision and transformers.

BiomedCLIP: open_clip with its towers, transform and tokenizer. BioViL, BioViL-T: hi-ml's image model, its transform, CXRBertModel and
TextInput. ALIGN: transformers, its processor. XLM-R base with ViT-B/32: open_clip. UniMed-CLIP, KEEP, CXR-CLIP: their formulas (docs/MODELS.md) here. Towers are cut to few blocks, unless
MEDPROBE_PARITY_FULL=1; widths and everything else are the card's, vocabularies are small ones."""
import copy
import os

import numpy as np
import open_clip
import pytest
import timm
import torch
import torchvision
import transformers
from PIL import Image
from torchvision import transforms

from systems_lib import TEXTS, Card, compare, distance, make_pictures
from towers_lib import UNIT_BOUND, assert_close, redraw, settle

transformers.logging.set_verbosity_error()
FULL = bool(os.environ.get("MEDPROBE_PARITY_FULL"))
LAYERS = 12 if FULL else 2
WORDS = """no acute cardiopulmonary abnormality cavitary tuberculosis in the right upper lobe pleural effusion , small ; it ' s 2 cm wide . consolidation of left
lower mild edema a naive cafe ##s ##a ##e & \u80ba \u708e " - quoted amp""".split()
ROWS = len(WORDS) + 5
OPENAI = dict(mean=[0.48145466, 0.4578275, 0.40821073], std=[0.26862954, 0.26130258, 0.27577711])
IMAGENET = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


@pytest.fixture(scope="module")
def vocab(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS) + "\n", encoding="utf-8")
    return path


def bert_config():
    return transformers.BertConfig(num_hidden_layers=LAYERS, vocab_size=ROWS)


def card_of(name, folder, image=True):
    changes = {"text.layers": LAYERS, "text.vocab_size": ROWS}
    return Card(name, folder, changes | ({"image.layers": 2} if image and not FULL else {}))


REPAIRED = [t for t in TEXTS if "&" in t]  # until the program repairs texts as ftfy does
UNBROKEN = [t for t in TEXTS if t not in REPAIRED]


def run(card, weights, folder, vocab, *options, modes=("L", "RGBA"), texts=TEXTS):
    """Store, paths of the pictures."""
    pictures = make_pictures(folder / "pictures", modes)
    return card.extract(weights, pictures, texts, "--vocab", vocab, "--resize-order", "pillow13", *options), pictures


def batch_of(pictures, transform):
    return torch.stack([transform(Image.open(p)) for p in pictures])


def cut(trunk):
    if not FULL:
        trunk.blocks = trunk.blocks[:2]
    return trunk


def crop_of_224(mean, std, interpolation):
    return transforms.Compose([transforms.Resize(224, interpolation=interpolation), transforms.CenterCrop(224), transforms.ToTensor(),
                               transforms.Normalize(mean, std)])


def open_clip_model(vocab, folder, **vision):
    """open_clip's own frame around a BERT whose configuration lies in a folder, and its tokenizer from there."""
    bert_config().save_pretrained(folder)
    transformers.BertTokenizer(str(vocab)).save_pretrained(folder)
    torch.manual_seed(0)
    model = open_clip.CustomTextCLIP(512, vision_cfg=vision, text_cfg=dict(
        hf_model_name=str(folder), hf_tokenizer_name=str(folder), hf_proj_type="mlp", hf_pooler_type="cls_last_hidden_state_pooler",
        hf_model_pretrained=False, context_length=256))
    return redraw(model, shared=0.3), open_clip.tokenizer.HFTokenizer(str(folder), context_length=256, use_fast=False)


def test_biomedclip(tmp_path, vocab):
    model, tokenizer = open_clip_model(vocab, tmp_path / "bert", timm_model_name="vit_base_patch16_224", timm_pool="", timm_proj="linear",
                                       image_size=224)
    cut(model.visual.trunk)
    torch.save(model.state_dict(), tmp_path / "open_clip_pytorch_model.bin")
    card = card_of("biomedclip", tmp_path)
    ours, pictures = run(card, tmp_path / "open_clip_pytorch_model.bin", tmp_path, vocab, texts=UNBROKEN)
    transform = open_clip.transform.image_transform(224, is_train=False, **OPENAI)
    with torch.no_grad():
        theirs = model.encode_image(batch_of(pictures, transform)).numpy()
        texts = model.encode_text(tokenizer(UNBROKEN)).numpy()
        assert abs(ours["attributes"]["logit_scale"] / model.logit_scale.exp().item() - 1) < 1e-6
    compare("biomedclip", f"open_clip {open_clip.__version__}", ours, theirs, texts)
    assert np.abs(ours["text_norms"] / np.linalg.norm(texts, axis=1) - 1).max() < 1e-5


def test_unimed_clip(tmp_path, vocab):
    """The authors' fork: open_clip's towers, the text's under text_encoder., in a training checkpoint."""
    model, tokenizer = open_clip_model(vocab, tmp_path / "bert", layers=12 if FULL else 2, width=768, patch_size=16, image_size=224)
    model.visual = open_clip.CLIP(512, open_clip.CLIPVisionCfg(layers=12 if FULL else 2, patch_size=16), open_clip.CLIPTextCfg(layers=1),
                                  quick_gelu=True).visual
    redraw(model, shared=0.3)
    state = {"module." + ("text_encoder." + k.removeprefix("text.") if k.startswith("text.") else k): v for k, v in model.state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state}, tmp_path / "unimed.pt")
    ours, pictures = run(card_of("unimed-clip-vit-b16", tmp_path), tmp_path / "unimed.pt", tmp_path, vocab, texts=UNBROKEN)
    with torch.no_grad():
        theirs = model.encode_image(batch_of(pictures, open_clip.transform.image_transform(224, is_train=False, **OPENAI))).numpy()
        texts = model.encode_text(tokenizer(UNBROKEN)).numpy()
    compare("unimed-clip-vit-b16", f"open_clip {open_clip.__version__}", ours, theirs, texts)


def settled(model, resnet, batch):
    """Fresh weights, with statistics of batch norms as these pictures have them; the last norm of a block is small, as training leaves it."""
    redraw(model, shared=0.3)
    for name, value in resnet.named_parameters():
        if name.endswith("bn3.weight"):
            value.data *= 0.3
    return settle(model, batch.numpy())


def tokens(vocab, length, **options):
    return transformers.BertTokenizer(str(vocab))(TEXTS, truncation=True, max_length=length, return_tensors="pt", **options)


def test_keep(tmp_path, vocab):
    torch.manual_seed(0)
    model = torch.nn.ModuleDict(dict(
        visual=cut(timm.create_model("vit_large_patch16_224", num_classes=0, init_values=1e-5)),
        visual_head=torch.nn.Sequential(torch.nn.Linear(1024, 768), torch.nn.GELU(), torch.nn.Linear(768, 768)),
        text=transformers.BertModel(bert_config())))
    redraw(model, shared=0.3)
    torch.save(model.state_dict() | {"logit_scale": torch.tensor(3.2)}, tmp_path / "pytorch_model.bin")
    ours, pictures = run(card_of("keep", tmp_path), tmp_path / "pytorch_model.bin", tmp_path, vocab)
    transform = crop_of_224(interpolation=transforms.InterpolationMode.BICUBIC, **IMAGENET)
    t = tokens(vocab, 256, padding="max_length")
    with torch.no_grad():
        theirs = model["visual_head"](model["visual"](torch.stack([transform(Image.open(p).convert("RGB")) for p in pictures]))).numpy()
        texts = model["text"](**t).pooler_output.numpy()
    compare("keep", f"timm {timm.__version__}, transformers {transformers.__version__}", ours, theirs, texts)


def named(**modules):
    """Modules at dotted names, __ for the dot."""
    root = torch.nn.Module()
    for name, module in modules.items():
        at, (*folders, last) = root, name.split("__")
        for folder in folders:
            if not hasattr(at, folder):
                at.add_module(folder, torch.nn.Module())
            at = getattr(at, folder)
        at.add_module(last, module)
    return root


def test_cxr_clip(tmp_path, vocab):
    torch.manual_seed(0)
    resnet = torchvision.models.resnet50()
    resnet.fc = torch.nn.Identity()
    model = named(image_encoder__resnet=resnet, image_projection__projection=torch.nn.Linear(2048, 512),
                  text_encoder__text_encoder=transformers.BertModel(bert_config()), text_projection__projection=torch.nn.Linear(768, 512))
    transform = crop_of_224(interpolation=transforms.InterpolationMode.BILINEAR, **IMAGENET)
    batch = torch.stack([transform(Image.open(p).convert("RGB")) for p in make_pictures(tmp_path / "pictures", ("L", "RGBA"))])
    redraw(model, shared=0.3)
    settled(resnet, resnet, batch)
    torch.save({"model": model.state_dict() | {"logit_scale": torch.tensor(2.0)}, "config": {"model": "r50"}, "epoch": 3}, tmp_path / "r50.tar")
    ours, pictures = run(card_of("cxr-clip-r50", tmp_path, image=False), tmp_path / "r50.tar", tmp_path, vocab)
    t = tokens(vocab, 256, padding=True)
    with torch.no_grad():
        theirs = model.image_projection.projection(resnet(batch)).numpy()
        states = model.text_encoder.text_encoder(**t).last_hidden_state
        texts = model.text_projection.projection(states[torch.arange(len(states)), t.attention_mask.sum(1) - 1]).numpy()
    compare("cxr-clip-r50", f"torchvision {torchvision.__version__}, transformers {transformers.__version__}", ours, theirs, texts)
    assert ours["attributes"]["logit_scale"] == 1


@pytest.mark.parametrize("name", ["biovil", "biovil-t"])
def test_biovil(tmp_path, vocab, name):
    import health_multimodal
    from health_multimodal.image.data.io import load_image
    from health_multimodal.image.data.transforms import create_chest_xray_transform_for_inference
    from health_multimodal.image.model.model import ImageModel, MultiImageModel
    from health_multimodal.text.inference_engine import TextInput
    from health_multimodal.text.model import CXRBertConfig, CXRBertModel
    torch.manual_seed(0)
    multi = name == "biovil-t"
    image = (MultiImageModel if multi else ImageModel)(img_encoder_type="resnet50_multi_image" if multi else "resnet50", joint_feature_size=128,
                                                       freeze_encoder=False)
    transform = create_chest_xray_transform_for_inference(resize=512, center_crop_size=448 if multi else 480)
    batch = torch.stack([transform(load_image(p)) for p in make_pictures(tmp_path / "pictures", ("L", "RGB"))])
    settled(image, image.encoder.encoder, batch)
    if multi:
        with torch.no_grad():
            image.encoder.missing_previous_emb.normal_()
    text = redraw(CXRBertModel(CXRBertConfig(num_hidden_layers=LAYERS, vocab_size=ROWS, projection_size=128)), shared=0.3)
    torch.save(image.state_dict(), tmp_path / "image.pt")
    torch.save(text.state_dict(), tmp_path / "text.bin")
    ours, pictures = run(card_of(name, tmp_path, image=False), tmp_path / "image.pt", tmp_path, vocab, "--text-weights", tmp_path / "text.bin",
                         modes=("L", "RGB"))
    t = TextInput(transformers.BertTokenizer(str(vocab))).tokenize_input_prompts(TEXTS, verbose=False)
    with torch.no_grad():
        theirs = image.eval()(batch).projected_global_embedding.numpy()
        texts = text.get_projected_text_embeddings(t.input_ids, t.attention_mask, normalize_embeddings=False).numpy()
    compare(name, f"hi-ml-multimodal {getattr(health_multimodal, '__version__', '0.2.2')}", ours, theirs, texts)


def test_align(tmp_path, vocab):
    from transformers.models.efficientnet.image_processing_efficientnet import EfficientNetImageProcessor
    torch.manual_seed(0)
    model = transformers.AlignModel(transformers.AlignConfig(
        text_config=dict(num_hidden_layers=LAYERS, vocab_size=ROWS), vision_config=dict(num_block_repeats=[1] * 7, depth_coefficient=1.0)))
    processor = EfficientNetImageProcessor(size=dict(height=346, width=346), crop_size=dict(height=289, width=289), do_center_crop=True,
                                           do_normalize=False, include_top=False, rescale_offset=True, rescale_factor=1 / 127.5, resample=2)
    batch = processor([Image.open(p).convert("RGB") for p in make_pictures(tmp_path / "pictures", ("L", "RGBA"))], return_tensors="pt").pixel_values
    settle(redraw(model.vision_model), batch.numpy())
    redraw(model.text_model, shared=0.3)
    redraw(model.text_projection)
    torch.save(model.state_dict(), tmp_path / "pytorch_model.bin")
    card = Card("align-base", tmp_path, {"text.layers": LAYERS, "text.vocab_size": ROWS, "image.depths": [1] * 7})
    ours, _ = run(card, tmp_path / "pytorch_model.bin", tmp_path, vocab)
    t = tokens(vocab, 64, padding="max_length")
    with torch.no_grad():
        theirs = model.get_image_features(pixel_values=batch).numpy()
        texts = model.get_text_features(input_ids=t.input_ids, attention_mask=t.attention_mask).numpy()
    assert abs(ours["attributes"]["logit_scale"] * model.temperature.item() - 1) < 1e-6
    # Random blocks leave little that differs between pictures: what they have in common is taken away, too.
    compare("align-base", f"transformers {transformers.__version__}", ours, texts=texts)
    assert distance(ours["embeddings"], theirs) <= UNIT_BOUND
    assert_close(ours["embeddings"] * ours["norms"][:, None] - theirs.mean(0), theirs - theirs.mean(0), bound=5e-5)


def test_xlm_roberta(tmp_path):
    from tokenizers_lib import train
    path = tmp_path / "sentencepiece.bpe.model"
    train(path, vocab_size=400)
    tokenizer = transformers.XLMRobertaTokenizer(str(path))
    tokenizer.save_pretrained(tmp_path / "text")
    rows = len(tokenizer)
    transformers.XLMRobertaConfig(num_hidden_layers=LAYERS, vocab_size=rows, max_position_embeddings=514, type_vocab_size=1, layer_norm_eps=1e-5,
                                  pad_token_id=1).save_pretrained(tmp_path / "text")
    torch.manual_seed(0)
    model = redraw(open_clip.CustomTextCLIP(512, vision_cfg=dict(layers=12 if FULL else 2, patch_size=32), text_cfg=dict(
        hf_model_name=str(tmp_path / "text"), hf_tokenizer_name=str(tmp_path / "text"), hf_pooler_type="mean_pooler", hf_model_pretrained=False)),
        shared=0.3)
    torch.save(model.state_dict(), tmp_path / "model.bin")
    changes = {"text.layers": LAYERS, "text.vocab_size": rows} | ({} if FULL else {"image.layers": 2})
    card = Card("xlm-roberta-base-ViT-B-32", tmp_path, changes)
    ours, pictures = run(card, tmp_path / "model.bin", tmp_path, path, texts=UNBROKEN)
    reference = open_clip.tokenizer.HFTokenizer(str(tmp_path / "text"), context_length=77, use_fast=False)
    with torch.no_grad():
        theirs = model.encode_image(batch_of(pictures, open_clip.transform.image_transform(224, is_train=False, **OPENAI))).numpy()
        texts = model.encode_text(reference(UNBROKEN)).numpy()
    compare("xlm-roberta-base-ViT-B-32", f"open_clip {open_clip.__version__}", ours, theirs, texts)
