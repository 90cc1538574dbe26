# SPDX-License-Identifier: BSD-3-Clause
"""Protects: files of OpenAI's CLIP given as --model FILE.pt: a TorchScript archive of the authors' own class, small, float16 as published,
with its three numbers; what is inferred of it equals the authors' build_model, and pictures and texts get the vectors of their Python.

Bound: 1e-5 of unit embeddings; what is found is near 1e-7. Faults planted here and seen: another activation, the picture made RGB before it
is resized. Their CPU loader makes float32 of the stored float16, and so does this reference. Sizes are reduced: two blocks a tower.
"""
import re
import subprocess

import clip
import clip.model
import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import save_file

import systems_lib as lib
from medprobe_lib import BUILD
from towers_lib import redraw, settle, unit
from towers_lib import pictures as inputs

KINDS = {"vit": (64, 2, 64, 16), "resnet": (64, (1, 2, 1, 1), 8, None)}
# What ftfy mends is the tokenizer's matter: test_clip_bpe.py.
TEXTS = [text.replace("\u201c", '"').replace("\u201d", '"').replace("&amp;", "&") for text in lib.TEXTS]
SCALARS = ("input_resolution", "context_length", "vocab_size")


def make(kind, seed=0):
    """The authors' model with the values that its float16 parameters have, in float32; and the archive's state."""
    size, layers, width, patch = KINDS[kind]
    model = clip.model.CLIP(24, size, layers, width, patch, 77, 49408, 64, 1, 2).eval()
    redraw(model, seed)
    if kind == "resnet":
        for name, value in model.named_parameters():
            if re.search(r"layer\d\.\d+\.bn3\.weight", name):
                value.data *= 0.3
        settle(model.visual, inputs(8, (3, size, size), seed), seed)
    model.logit_scale.data.fill_(3.2)
    clip.model.convert_weights(model)
    return model


def archive(kind, path):
    model = make(kind)
    size = KINDS[kind][0]
    del model.context_length, model.vocab_size
    for name, value in zip(SCALARS, (size, 77, 49408)):
        model.register_buffer(name, torch.tensor(value))
    torch.jit.trace(model, (torch.randn(1, 3, size, size), torch.randint(0, 49408, (1, 77))), check_trace=False).save(path)
    return make(kind).float()


def show(path):
    done = subprocess.run([BUILD / "bin/medprobe", "models", "show", path], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def added(path):
    """The card's text, as `models add` writes it."""
    home = path.parent / "home"
    subprocess.run([BUILD / "bin/medprobe", "models", "add", path, "--name", "m", "--force"], check=True, env={"MEDPROBE_HOME": str(home)})
    return (home / "models/m.yaml").read_text()


def extract(card, weights, pictures, texts):
    it = lib.Card.__new__(lib.Card)
    it.folder, it.path = weights.parent, card
    return it.extract(weights, pictures, texts)


@pytest.mark.parametrize("kind", KINDS)
def test_archive_is_a_model(kind, tmp_path):
    model, path = archive(kind, tmp_path / "ViT-X.pt"), tmp_path / "ViT-X.pt"
    paths = lib.make_pictures(tmp_path / "pictures")
    preprocess = clip.clip._transform(KINDS[kind][0])
    images = [Image.open(p) for p in paths]
    with torch.no_grad():
        theirs = model.encode_image(torch.stack([preprocess(image) for image in images])).numpy()
        their_texts = model.encode_text(clip.tokenize(TEXTS, truncate=True)).numpy()
    ours = extract(path, path, paths, TEXTS)
    lib.compare(f"openai archive, {kind}", "clip 1.0", ours, pictures=theirs, texts=their_texts)
    assert np.isclose(ours["attributes"]["logit_scale"], float(np.exp(np.float32(3.2))))

    text = added(path)
    card = yaml.safe_load(text)
    assert card["name"] == "m" and card["embedding_width"] == 24
    planted = {"activation": {"text.activation": "gelu"}, "colour": {"pipelines.openai-clip.color": "RGB"}}
    for name, changes in planted.items():
        changed = yaml.safe_load(text)
        for key, value in changes.items():
            *way, last = key.split(".")
            at = changed
            for part in way:
                at = at[part]
            at[last] = value
        (tmp_path / "fault.yaml").write_text(yaml.safe_dump(changed))
        fault = extract(tmp_path / "fault.yaml", path, paths, TEXTS)
        key, want = ("texts", their_texts) if name == "activation" else ("embeddings", theirs)
        assert np.abs(unit(fault[key]) - unit(want)).max() > 1e-4, name


@pytest.mark.parametrize("kind", KINDS)
def test_inferred_as_build_model_does(kind, tmp_path):
    archive(kind, tmp_path / "a.pt")
    state = {k: v for k, v in torch.jit.load(tmp_path / "a.pt").state_dict().items() if k not in SCALARS}
    model = clip.model.build_model(dict(state))
    card = yaml.safe_load(added(tmp_path / "a.pt"))
    image, text = card["image"], card["text"]
    assert image["image_size"] == model.visual.input_resolution and card["embedding_width"] == model.text_projection.shape[1]
    assert (text["width"], text["layers"], text["positions"]) == (64, len(model.transformer.resblocks), model.context_length)
    assert text["heads"] == model.transformer.resblocks[0].attn.num_heads and text["vocab_size"] == model.vocab_size
    if kind == "vit":
        blocks = model.visual.transformer.resblocks
        assert (image["layers"], image["heads"], image["patch_size"]) == (len(blocks), blocks[0].attn.num_heads, model.visual.conv1.stride[0])
    else:
        assert image["depths"] == [len(getattr(model.visual, f"layer{i}")) for i in range(1, 5)]
        assert image["pool_heads"] == model.visual.attnpool.num_heads


def test_refusals(tmp_path):
    state = dict(make("vit").state_dict())

    def refused(**more):
        save_file({k: v.clone() for k, v in (state | more).items() if v is not None}, tmp_path / "w.safetensors")
        code, out, err = show(tmp_path / "w.safetensors")
        assert code != 0 and not out
        return err

    size, length, vocab = torch.tensor(64), torch.tensor(77), torch.tensor(49408)
    assert "has the tensors of OpenAI's CLIP, but not 'input_resolution'" in refused()
    assert "'input_resolution' is 224, but the shapes of the other tensors give 64" in refused(
        input_resolution=torch.tensor(224), context_length=length, vocab_size=vocab)
    more = dict(input_resolution=size, context_length=length, vocab_size=vocab)
    assert "'visual.positional_embedding' has 18 rows, expected 1 and a square number" in refused(
        **more, **{"visual.positional_embedding": torch.zeros(18, 64)})
    assert "tensor 'visual.conv1.weight' has another shape" in refused(**more, **{"visual.conv1.weight": torch.zeros(64, 3)})
    assert "tensor 'ln_final.weight' is missing" in refused(**more, **{"ln_final.weight": None})
    save_file({"x": torch.ones(1)}, tmp_path / "x.safetensors")
    assert "is a weight file that does not say what model it is" in show(tmp_path / "x.safetensors")[2]
    save_file({k: v.clone() for k, v in (state | more).items()}, tmp_path / "a b.safetensors")
    assert "has other signs than letters" in show(tmp_path / "a b.safetensors")[2]
