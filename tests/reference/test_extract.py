# SPDX-License-Identifier: BSD-3-Clause
"""Protects: extract, from pictures and prompts to the store, beside Pillow and transformers.

Property: unit embeddings differ by at most 5e-6 in any value. Reason: the preprocessed pictures are equal, so what
differs is the order of float32 sums; over some ten layers of unit-sized values that is a few 1e-7 of a vector of length 1.
Faults that this test sees: bilinear in place of bicubic moves values by 3e-2, padding left out of the mean of texts by 2e-1.
"""
import subprocess

import h5py
import numpy as np
import pytest
import torch
import yaml

from medclip_models import MedClip, random_checkpoint
from medprobe_lib import BUILD, ROOT

BOUND = 5e-6
PROMPTS = {
    "normal": ["normal chest x-ray", "", "no acute abnormality in the lungs, clear of any tuberculosis", "NORMAL  chest\n"],
    "tuberculosis": ["cavitary tuberculosis in the right upper lobe", "Tubérculosis 中文 with effusion",
                     "effusion " * 60, "upper lobe cavitary abnormalities."],
    "alone": ["effusion"],
}


def run(*args):
    done = subprocess.run([str(a) for a in args], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    at = tmp_path_factory.mktemp("extract")
    run(BUILD / "tools/tiny_medclip", at / "m")
    run(BUILD / "tools/phantom", "--quiet", "--out", at / "p", "--pictures", 60, "--size", "32-150", "--seed", 21,
        "--formats", "jpeg,png8,png16")
    (at / "prompts.yaml").write_text(yaml.safe_dump({"name": "t", "classes": PROMPTS}, sort_keys=False, allow_unicode=True),
                                     encoding="utf-8")
    return at


@pytest.mark.parametrize("weights", ["tiny", "torch"])
@pytest.mark.parametrize("pipeline, pooling", [("small", None), ("other", "pooler")])
def test_embeddings_are_the_references(inputs, weights, pipeline, pooling):
    at = inputs
    file = at / "m/weights.safetensors"
    if weights == "torch":
        file = at / "random.bin"
        torch.save(random_checkpoint(yaml.safe_load((at / "m/tiny.yaml").read_text()), 3), file)
    reference = MedClip(at / "m/tiny.yaml", file, at / "m/vocab.txt")
    store = at / f"{weights}-{pipeline}.h5"
    run(BUILD / "bin/medprobe", "extract", "--model", at / "m/tiny.yaml", "--weights", file, "--vocab", at / "m/vocab.txt",
        "--manifest", at / "p/manifest.csv", "--prompts", at / "prompts.yaml", "--pipeline", pipeline, "--quiet", "-o", store,
        *(["--text-pooling", pooling] if pooling else []))
    with h5py.File(store) as f:
        paths = [at / "p" / p for p in f["paths"].asstr()]
        want = reference.pictures(paths, pipeline)
        cosine = want @ want.T
        assert cosine[np.triu_indices(len(paths), 1)].mean() < 0.99, "embeddings too alike to tell anything"
        np.testing.assert_allclose(f["embeddings"], want, rtol=0, atol=BOUND)
        texts = np.concatenate([reference.prompts(p, pooling) for p in PROMPTS.values()])
        np.testing.assert_allclose(f["text/embeddings"], texts, rtol=0, atol=BOUND)
        assert list(f["text/prompts"].asstr()) == [p for c in PROMPTS.values() for p in c]
        assert abs(f.attrs["logit_scale"] / reference.scale - 1) < 1e-6


def test_published_sizes_load_and_agree(inputs, tmp_path):
    """Two pictures through a random checkpoint of MedCLIP-ViT's own card."""
    at = inputs
    card = ROOT / "configs/models/medclip-vit.yaml"
    state = random_checkpoint(yaml.safe_load(card.read_text(encoding="utf-8")), 5)
    torch.save(state, tmp_path / "w.bin")
    vocab = tmp_path / "vocab.txt"
    words = (at / "m/vocab.txt").read_text().split("\n")[:-1]
    vocab.write_text("\n".join(words + [f"[unused{i}]" for i in range(28996 - len(words))]) + "\n")
    (tmp_path / "two.csv").write_text("".join((at / "p/manifest.csv").read_text().splitlines(True)[:3]))
    run(BUILD / "bin/medprobe", "extract", "--model", "medclip-vit", "--weights", tmp_path / "w.bin", "--vocab", vocab,
        "--manifest", tmp_path / "two.csv", "--root", at / "p", "--prompts", at / "prompts.yaml", "--quiet", "-o", tmp_path / "a.h5")
    reference = MedClip(card, tmp_path / "w.bin", vocab)
    with h5py.File(tmp_path / "a.h5") as f:
        want = reference.pictures([at / "p" / p for p in f["paths"].asstr()])
        np.testing.assert_allclose(f["embeddings"], want, rtol=0, atol=BOUND)
        texts = np.concatenate([reference.prompts(p) for p in PROMPTS.values()])
        np.testing.assert_allclose(f["text/embeddings"], texts, rtol=0, atol=BOUND)
