# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the cards gloria and flair as whole systems. Neither package can be installed: the authors' steps stand here over torch,
torchvision and transformers (models: docs/MODELS.md; texts of GLoRIA: test_wordpiece_clean.py; pipelines: test_float_pipelines.py). GLoRIA's
pictures have sides that OpenCV halves, where INTER_AREA is a mean of four pixels."""
import numpy as np
import pytest
import torch
import torchvision
import transformers
from PIL import Image

from systems_lib import TEXTS, Card, compare, distance
from test_system_bert import LAYERS, ROWS, named, settled, vocab  # noqa: F401: fixture
from test_text_towers import gloria_sentence
from test_wordpiece_clean import gloria as cleaned
from towers_lib import UNIT_BOUND, assert_close, redraw

transformers.logging.set_verbosity_error()
DEEP = max(LAYERS, 5)


def grey_pictures(folder, sizes, bands=1):
    random = np.random.default_rng(3)
    folder.mkdir()
    paths = []
    for i, (w, h) in enumerate(sizes):
        y, x = np.mgrid[0:h, 0:w]
        pixels = np.stack([120 + 90 * np.sin(x / random.uniform(5, 60)) * np.cos(y / random.uniform(5, 60)) + random.normal(0, 15, (h, w))
                           for _ in range(bands)], -1).clip(0, 255).astype(np.uint8)
        paths.append(folder / f"p{i}.png")
        Image.fromarray(pixels[..., 0] if bands == 1 else pixels).save(paths[-1])
    return paths


def gloria_input(path):
    image = np.asarray(Image.open(path)).astype(np.int64)
    small = (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2] + 2) >> 2
    square = np.zeros((256, 256), np.uint8)
    top, left = (256 - small.shape[0]) // 2, (256 - small.shape[1]) // 2
    square[top:top + small.shape[0], left:left + small.shape[1]] = small
    x = (torch.from_numpy(square[16:240, 16:240]).float() / 255 - 0.5) / 0.5
    return torch.nn.functional.interpolate(x.expand(1, 3, 224, 224), size=(299, 299), mode="bilinear", align_corners=True)[0]


def test_gloria(tmp_path, vocab):  # noqa: F811
    torch.manual_seed(0)
    resnet = torchvision.models.resnet50()
    resnet.fc = torch.nn.Identity()
    bert = transformers.BertModel(transformers.BertConfig(num_hidden_layers=DEEP, vocab_size=ROWS))
    model = named(gloria__img_encoder__model=resnet, gloria__img_encoder__global_embedder=torch.nn.Linear(2048, 768),
                  gloria__img_encoder__local_embedder=torch.nn.Conv2d(1024, 768, 1, bias=False), gloria__text_encoder__model=bert)
    redraw(model, shared=0.3)
    pictures = grey_pictures(tmp_path / "pictures", [(512, 512), (512, 384), (300, 512)])
    batch = torch.stack([gloria_input(p) for p in pictures])
    settled(resnet, resnet, batch)
    torch.save({"state_dict": model.state_dict(), "epoch": 2, "hyper_parameters": {"a": 1}}, tmp_path / "gloria.ckpt")
    card = Card("gloria", tmp_path, {"text.layers": DEEP, "text.vocab_size": ROWS})
    ours = card.extract(tmp_path / "gloria.ckpt", pictures, TEXTS, "--vocab", vocab)
    tokenizer = transformers.BertTokenizer(str(vocab))
    t = tokenizer([cleaned(text) for text in TEXTS], truncation=True, padding="max_length", max_length=97, return_tensors="pt")
    pieces = [tokenizer.convert_ids_to_tokens(ids) for ids in t.input_ids.tolist()]
    with torch.no_grad():
        theirs = model.gloria.img_encoder.global_embedder(resnet(batch)).numpy()
        hidden = bert(**t, output_hidden_states=True).hidden_states
        texts = gloria_sentence(hidden, t.attention_mask, [[p.startswith("##") for p in row] for row in pieces]).numpy()
    assert abs(np.linalg.norm(texts[2]) / ours["text_norms"][2] - 1) < 1e-5
    used = [i for i, text in enumerate(TEXTS) if cleaned(text)]  # the others are [CLS] [SEP], alike
    ours["texts"] = ours["texts"][used]
    compare("gloria", f"torchvision {torchvision.__version__}, transformers {transformers.__version__}", ours, theirs, texts[used])


def flair_input(path):
    x = torch.from_numpy(np.asarray(Image.open(path)).astype(np.float32) / 255).permute(2, 0, 1)
    scale = max(x.shape[1:]) / 512
    x = torchvision.transforms.Resize([int(side / scale) for side in x.shape[1:]], antialias=True)(x)
    return torch.nn.functional.pad(x, (0, 512 - x.shape[2], 0, 512 - x.shape[1]))


def test_flair(tmp_path, vocab):  # noqa: F811
    torch.manual_seed(0)
    resnet = torchvision.models.resnet50()
    resnet.fc = torch.nn.Identity()
    bert = transformers.BertModel(transformers.BertConfig(num_hidden_layers=LAYERS, vocab_size=ROWS))
    model = named(vision_model__model=resnet, vision_model__projection_head_vision__projection=torch.nn.Linear(2048, 512, bias=False),
                  text_model__model=bert, text_model__projection_head_text__projection=torch.nn.Linear(768, 512, bias=False))
    redraw(model, shared=0.3)
    pictures = grey_pictures(tmp_path / "pictures", [(640, 500), (700, 900)], bands=3)
    batch = torch.stack([flair_input(p) for p in pictures])
    settled(resnet, resnet, batch)
    from safetensors.torch import save_file
    save_file({k: v.contiguous() for k, v in model.state_dict().items()} | {"logit_scale": torch.tensor(9.0)}, tmp_path / "model.safetensors")
    ours = Card("flair", tmp_path, {"text.layers": LAYERS, "text.vocab_size": ROWS}).extract(tmp_path / "model.safetensors", pictures, TEXTS,
                                                                                            "--vocab", vocab)
    assert ours["attributes"]["logit_scale"] == pytest.approx(np.exp(4.6052), rel=1e-6)

    def unit(x):
        return x / x.norm(dim=-1, keepdim=True)
    texts = []
    with torch.no_grad():
        theirs = model.vision_model.projection_head_vision.projection(unit(resnet(batch))).numpy()
        for some in (TEXTS[:2], TEXTS[2:]):  # the phrases of a class are one batch
            t = transformers.BertTokenizer(str(vocab))(some, truncation=True, max_length=77, padding=True, return_tensors="pt")
            h = bert(**t, output_hidden_states=True).hidden_states
            pooled = torch.stack([h[1], h[2], h[-1]]).permute(1, 0, 2, 3).mean(2).mean(1)
            texts.append(model.text_model.projection_head_text.projection(unit(pooled)))
    # Random blocks leave little that differs between pictures: what they have in common is taken away, too.
    compare("flair", f"torchvision {torchvision.__version__}, transformers {transformers.__version__}", ours, texts=torch.cat(texts).numpy())
    assert distance(ours["embeddings"], theirs) <= UNIT_BOUND
    theirs = np.stack([a / np.linalg.norm(a) for a in theirs])
    assert_close(ours["embeddings"] - theirs.mean(0), theirs - theirs.mean(0), bound=1e-4)
