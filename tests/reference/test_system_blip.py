# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the cards blip-itc-base, blip-itc-large and blip2-itc as whole systems: picture files and prompts through the program,
against transformers' BlipForImageTextRetrieval and Blip2ForImageTextRetrieval, torchvision's transforms and BertTokenizer.

Towers are cut to few blocks, unless MEDPROBE_PARITY_FULL=1; widths, picture sizes and everything else are the card's. BLIP's checkpoint is written under the
authors' names, with the momentum copies and queues that their files hold."""
import os

import numpy as np
import pytest
import torch
import transformers
from torchvision import transforms

from PIL import Image
from systems_lib import TEXTS, Card, compare, make_pictures
from towers_lib import UNIT_BOUND, redraw, save, unit

transformers.logging.set_verbosity_error()
WORDS = """no acute cardiopulmonary abnormality cavitary tuberculosis in the right upper lobe pleural effusion , small ; it ' s 2 cm wide . consolidation of left
lower mild edema a naive cafe ##s ##a ##e & 肺 炎""".split()
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


@pytest.fixture(scope="module")
def vocab(tmp_path_factory):
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS) + "\n", encoding="utf-8")
    return path


FULL = bool(os.environ.get("MEDPROBE_PARITY_FULL"))
ROWS = len(WORDS) + 7  # two tokens were added that the file does not have


def tokens(vocab, length, **options):
    tokenizer = transformers.BertTokenizer(str(vocab))
    return tokenizer(TEXTS, truncation=True, max_length=length, return_tensors="pt", **options)


def authors_names(state):
    """BLIP's own: a timm-like tower under visual_encoder., the rest as transformers has it."""
    found = {}
    for name, value in state.items():
        for theirs, ours in (("vision_model.embeddings.class_embedding", "visual_encoder.cls_token"),
                             ("vision_model.embeddings.position_embedding", "visual_encoder.pos_embed"),
                             ("vision_model.embeddings.patch_embedding", "visual_encoder.patch_embed.proj"),
                             ("vision_model.post_layernorm", "visual_encoder.norm"), ("vision_model.encoder.layers", "visual_encoder.blocks"),
                             ("self_attn.projection", "attn.proj"), ("self_attn", "attn"), ("layer_norm1", "norm1"), ("layer_norm2", "norm2")):
            name = name.replace(theirs, ours)
        found[name] = value
    extra = {name.split(".")[0] + "_m." + name.split(".", 1)[1]: value for name, value in found.items() if "_proj" in name}
    extra |= {"temp": torch.tensor(0.07), "image_queue": torch.zeros(2, 3), "ptr_queue": torch.zeros(1), "idx_queue": torch.zeros(1, 3),
              "visual_encoder_m.cls_token": torch.zeros(1, 1, 3), "text_encoder.embeddings.position_ids": torch.arange(512)[None]}
    return found | extra


@pytest.mark.parametrize("name", ["blip-itc-base", "blip-itc-large"])
def test_blip(tmp_path, vocab, name):
    card = Card(name, tmp_path, {"text.vocab_size": ROWS} | ({} if FULL else {"image.layers": 1, "text.layers": 2}))
    image, layers = card.data["image"], card.data["text"]["layers"]
    torch.manual_seed(0)
    model = redraw(transformers.BlipForImageTextRetrieval(transformers.BlipConfig(
        text_config=dict(num_hidden_layers=layers, num_attention_heads=12, vocab_size=ROWS, encoder_hidden_size=image["width"]),
        vision_config=dict(hidden_size=image["width"], num_attention_heads=image["heads"], intermediate_size=image["intermediate"], num_hidden_layers=image["layers"],
                           image_size=384, layer_norm_eps=1e-6), image_text_hidden_size=256)), shared=0.3)
    torch.save({"model": authors_names(model.state_dict()), "epoch": 3}, tmp_path / "model.pth")
    pictures = make_pictures(tmp_path / "pictures", ("L", "RGB", "RGBA"))
    ours = card.extract(tmp_path / "model.pth", pictures, TEXTS, "--vocab", vocab, "--resize-order", "pillow13")
    assert abs(ours["attributes"]["logit_scale"] * 0.07 - 1) < 1e-6
    prepare = transforms.Compose([transforms.Resize((384, 384), interpolation=transforms.InterpolationMode.BICUBIC), transforms.ToTensor(),
                                  transforms.Normalize(MEAN, STD)])
    batch = torch.stack([prepare(Image.open(p).convert("RGB")) for p in pictures])
    t = tokens(vocab, 35, padding="max_length")
    with torch.no_grad():
        theirs = model.vision_proj(model.vision_model(batch).last_hidden_state[:, 0]).numpy()
        text = model.text_proj(model.text_encoder(t.input_ids, attention_mask=t.attention_mask).last_hidden_state[:, 0]).numpy()
    compare(name, f"transformers {transformers.__version__}", ours, theirs, text)
    assert np.abs(ours["norms"] / np.linalg.norm(theirs, axis=1) - 1).max() < 1e-5


def test_blip2(tmp_path, vocab):
    import h5py
    card = Card("blip2-itc", tmp_path, {"image.layers": 2, "image.qformer.layers": 2, "text.layers": 2, "text.vocab_size": ROWS})
    torch.manual_seed(0)
    model = redraw(transformers.Blip2ForImageTextRetrieval(transformers.Blip2Config(
        vision_config=dict(num_hidden_layers=2), qformer_config=dict(num_hidden_layers=2, vocab_size=ROWS, use_qformer_text_input=True),
        num_query_tokens=32, image_text_hidden_size=256)), shared=0.3)
    with torch.no_grad():
        model.query_tokens.normal_()
    weights = save(model.state_dict(), tmp_path / "model.safetensors")
    pictures = make_pictures(tmp_path / "pictures", ("L", "RGB", "RGBA"))
    ours = card.extract(weights, pictures, TEXTS, "--vocab", vocab, "--resize-order", "pillow13")
    processor = transformers.BlipImageProcessor(size=dict(height=224, width=224), image_mean=MEAN, image_std=STD)
    batch = processor([Image.open(p).convert("RGB") for p in pictures], return_tensors="pt").pixel_values
    t = tokens(vocab, 512, padding=True)
    with torch.no_grad():
        vectors = model.vision_projection(model.qformer(query_embeds=model.query_tokens.expand(len(batch), -1, -1),
                                                        encoder_hidden_states=model.vision_model(batch).last_hidden_state).last_hidden_state).numpy()
        text = model.text_projection(model.qformer(query_embeds=model.embeddings(input_ids=t.input_ids), query_length=0,
                                                   attention_mask=t.attention_mask).last_hidden_state[:, 0]).numpy()
    with h5py.File(tmp_path / "store.h5") as f:
        queries = f["query_embeddings"][:]
    assert queries.shape == (len(pictures), 32, 256) and ours["attributes"]["similarity"] == "max-query"
    difference = np.abs(queries - unit(vectors)).max()
    print("vectors of the queries: largest difference", difference)
    assert difference <= UNIT_BOUND
    compare("blip2-itc", f"transformers {transformers.__version__}", ours, unit(vectors).mean(1), text)
