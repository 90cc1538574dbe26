# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the whole extract stage against MedCLIP's own program (package MedCLIP 0.0.3, its model code unchanged), on a random
checkpoint of the published shape: picture files to unit embeddings by both pipelines, prompts to unit text embeddings,
and the scaled logits.

What is replaced in the package, because it would fetch files: AutoModel/AutoTokenizer.from_pretrained give models of the
same configuration and our test vocabulary; .cuda() does nothing, as there is no GPU. Its feature extractor needs transformers
4.24; its steps are repeated with Pillow and torchvision here and compared pixel by pixel in test_pictures.py.

Bound 5e-6 on every component of a unit embedding: float32 sums of up to 3072 products in another order through 12 blocks;
the reference itself differs by as much from its own float64 run (test_swin.py measures it).

MEDPROBE_PARITY_PICTURES=200 runs the evidence size; the default keeps the daily run short.
"""

import csv
import io
import os
import subprocess

import h5py
import numpy as np
import pytest
import torch
from medprobe_lib import BUILD
from PIL import Image
from torchvision import transforms
from transformers import BertConfig, BertModel, BertTokenizer, SwinConfig, SwinModel

MEAN, STD = 0.5862785803043838, 0.27950088968644304  # medclip.constants
BOUND = 5e-6
PICTURES = int(os.environ.get("MEDPROBE_PARITY_PICTURES", 16))

PROMPTS = {
    "normal": ["no acute cardiopulmonary abnormality", "", "clear lungs   bilaterally\twith normal heart size"],
    "tuberculosis": ["cavitary tuberculosis in the right upper lobe", "Épanchement pleural gauche, naïve façade",
                     "両肺に浸潤影を認める", "x" * 120, " ".join(["opacity in the left lower lobe"] * 40)],
}


def scale_up(model, seed):
    """Random values at which embeddings of different inputs really differ (library start-up values hide errors)."""
    g = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            noise = torch.randn(p.shape, generator=g)
            if name == "logit_scale":
                p.fill_(2.6)
            elif "position_bias_table" in name or "embeddings" in name and p.dim() == 2:
                p.copy_(noise)
            elif p.dim() >= 2:
                p.copy_(noise * (2.5 if "vision" in name else 1.0) / p[0].numel() ** 0.5)
            elif "norm" in name.lower() and name.endswith("weight"):
                p.copy_(1 + 0.3 * noise)
            else:  # larger biases would be most of every vector, the same for all pictures
                p.copy_(0.05 * noise)


def make_vocab(path):
    """28,996 lines like the published vocabulary: special tokens at 0 and 100 to 103, letters, pieces."""
    pieces = [f"[unused{i}]" for i in range(28996)]
    pieces[0], pieces[100:104] = "[PAD]", ["[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = list("abcdefghijklmnopqrstuvwxyz0123456789,.-/") + ["##" + c for c in "abcdefghijklmnopqrstuvwxyz0123456789"]
    words += "no acute cardio ##pulmonary abnormal ##ity clear lung ##s with normal heart size in the right left upper lower lobe opacity".split()
    words += ["浸", "潤", "影", "を", "ep", "##anche", "##ment"]
    words = list(dict.fromkeys(words))
    pieces[200:200 + len(words)] = words
    path.write_text("\n".join(pieces) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def medclip(tmp_path_factory):
    """(folder, MedCLIPModel): MedCLIP's own class with random weights, saved as pytorch_model.bin."""
    folder = tmp_path_factory.mktemp("medclip")
    make_vocab(folder / "vocab.txt")
    from transformers import AutoModel, AutoTokenizer
    patch = pytest.MonkeyPatch()
    swin = SwinConfig(drop_path_rate=0.0)
    bert = BertConfig(vocab_size=28996)
    patch.setattr(AutoModel, "from_pretrained", classmethod(
        lambda cls, name, **kw: SwinModel(swin) if "swin" in name else BertModel(bert, **{})))
    patch.setattr(AutoTokenizer, "from_pretrained", classmethod(
        lambda cls, name, **kw: BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True)))
    patch.setattr(torch.Tensor, "cuda", lambda self, *a, **k: self)
    from medclip import modeling_medclip
    bert.output_hidden_states = True  # what the package asks from_pretrained for
    model = modeling_medclip.MedCLIPModel(modeling_medclip.MedCLIPVisionModelViT).eval()
    scale_up(model, 7)
    state = model.state_dict()
    # The published file is older than transformers' change of 2022 and holds this buffer too.
    state["text_model.model.embeddings.position_ids"] = torch.arange(512)[None]
    torch.save(state, folder / "pytorch_model.bin")
    yield folder, model
    patch.undo()


@pytest.fixture(scope="module")
def pictures(medclip):
    """Picture files of many kinds and sizes with structure at every scale."""
    folder, _ = medclip
    rng = np.random.default_rng(11)
    (folder / "images").mkdir()
    names = []
    for i in range(PICTURES):
        w, h = int(rng.integers(40, 1200)), int(rng.integers(40, 1200))
        small = rng.random((int(rng.integers(2, 9)), int(rng.integers(2, 9)))) * 255
        grey = np.array(Image.fromarray(small.astype(np.uint8)).resize((w, h), Image.BICUBIC)).astype(float)
        grey = np.clip(grey + rng.normal(0, rng.uniform(0, 40), grey.shape), 0, 255).astype(np.uint8)
        kind = i % 6
        if kind == 0:
            image, form = Image.fromarray(grey), "jpg"
        elif kind == 1:
            image, form = Image.merge("RGB", [Image.fromarray(np.roll(grey, k * 5, axis=1)) for k in range(3)]), "jpg"
        elif kind == 2:
            image, form = Image.fromarray(grey), "png"
        elif kind == 3:
            image, form = Image.fromarray(grey.astype(np.uint16) * 3), "png"  # I;16
        elif kind == 4:
            image, form = Image.merge("RGB", [Image.fromarray(grey)] * 3).quantize(64), "png"
        else:
            image, form = Image.merge("RGBA", [Image.fromarray(grey)] * 3 + [Image.fromarray(255 - grey)]), "png"
        name = f"images/{i:04d}.{form}"
        image.save(folder / name, **({"quality": int(rng.integers(50, 98)), "progressive": i % 4 == 1} if form == "jpg" else {}))
        names.append(name)
    with open(folder / "data.csv", "w", newline="") as f:
        csv.writer(f).writerows([["path", "label", "patient_id"]] + [[n, ["normal", "tuberculosis"][i % 2], f"p{i}"] for i, n in enumerate(names)])
    return names


def pad(image):
    """MedCLIP's padding on an 8-bit grey canvas (medclip.dataset, pad_img)."""
    from PIL import Image as PIL
    side = max(224, *image.size)
    canvas = PIL.new("L", (side, side), 0)
    canvas.paste(image, ((side - image.size[0]) // 2, (side - image.size[1]) // 2))
    return canvas


def processor(image):
    """MedCLIPProcessor: bicubic, then float32 / 255 and (x - mean) / std as transformers 4.24 does it."""
    x = np.asarray(pad(image).resize((224, 224), Image.BICUBIC)).astype(np.float32) / 255.0
    return torch.from_numpy((x - np.float32(MEAN)) / np.float32(STD))[None]


evaluation = transforms.Compose([transforms.Lambda(pad), transforms.Resize((224, 224)), transforms.ToTensor(),
                                 transforms.Normalize(mean=[MEAN], std=[STD])])


def extract(folder, pipeline, *more):
    store = folder / f"{pipeline}.h5"
    command = [BUILD / "bin/medprobe", "extract", "--model", "medclip-vit", "--weights", folder / "pytorch_model.bin",
               "--manifest", folder / "data.csv", "--pipeline", pipeline, "--grey16", "clip", "-o", store, "--quiet", *more]
    subprocess.run([str(word) for word in command], check=True, timeout=600)
    return h5py.File(store)


@pytest.mark.parametrize("pipeline,reference", [("medclip-processor", processor), ("medclip-eval", evaluation)])
def test_picture_embeddings(medclip, pictures, pipeline, reference):
    folder, model = medclip
    with extract(folder, pipeline) as store, torch.no_grad():
        ours = store["embeddings"][:]
        theirs = np.concatenate([model.encode_image(reference(Image.open(folder / n))[None]).numpy() for n in pictures])
    spread = np.corrcoef(theirs)[np.triu_indices(len(theirs), 1)].mean()
    cosine = (theirs @ theirs.T)[np.triu_indices(len(theirs), 1)].mean()
    worst = np.abs(ours - theirs).max()
    print(f"{pipeline}: {len(ours)} pictures, largest difference {worst:.2e}, mean cosine between pictures {cosine:.3f}")
    assert cosine < 0.9 and spread < 0.9  # else any embedding would pass
    assert worst <= BOUND


def test_the_pipelines_differ(medclip, pictures):
    """So that a swapped pipeline cannot pass the test above."""
    folder, _ = medclip
    a, b = [extract(folder, p)["embeddings"][:] for p in ("medclip-processor", "medclip-eval")]
    assert np.abs(a - b).max() > 20 * BOUND


def test_text_embeddings_and_logits(medclip, pictures):
    folder, model = medclip
    quoted = lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'
    (folder / "prompts.yaml").write_text("name: parity\nensemble: mean-logits\nclasses:\n" + "".join(
        f"  {name}: [{', '.join(map(quoted, texts))}]\n" for name, texts in PROMPTS.items()), encoding="utf-8")
    tokenizer = BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True)
    tokenizer.model_max_length = 77
    (folder / "medclip-processor.h5").unlink(missing_ok=True)
    with extract(folder, "medclip-processor", "--vocab", folder / "vocab.txt", "--prompts", folder / "prompts.yaml") as store, torch.no_grad():
        theirs = []
        for texts in PROMPTS.values():  # a class's prompts are one batch, padded to its longest
            batch = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
            theirs.append(model.encode_text(batch.input_ids, batch.attention_mask))
        theirs = torch.cat(theirs)
        ours, prompts = store["text/embeddings"][:], [t.decode() for t in store["text/prompts"][:]]
        images = torch.from_numpy(store["embeddings"][:])
        logits = model.compute_logits(images, theirs).numpy()
        our_logits = store.attrs["logit_scale"] * store["embeddings"][:] @ ours.T
    assert prompts == [t for texts in PROMPTS.values() for t in texts]
    cosine = (theirs @ theirs.T).numpy()[np.triu_indices(len(theirs), 1)].mean()
    worst = np.abs(ours - theirs.numpy()).max()
    print(f"{len(ours)} prompts, largest difference {worst:.2e}, mean cosine {cosine:.3f}, logits {np.abs(logits - our_logits).max():.2e}")
    assert cosine < 0.98
    assert worst <= BOUND
    # A logit is the scale (13.5 here) times a sum of 512 products of components that differ by less than the bound.
    assert np.abs(logits - our_logits).max() <= 2e-4
