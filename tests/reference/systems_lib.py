# SPDX-License-Identifier: BSD-3-Clause
"""Whole systems: a card of configs/models, a random checkpoint in the published layout, picture files and prompts, through the
program and through the publisher's own library.

    card = Card("openai-vit-b-32", tmp_path, {"image.layers": 2, "text.layers": 2})
    ours = card.extract(weights, prompts=TEXTS)
    compare("openai-vit-b-32", "clip 1.0", ours, pictures=theirs, texts=their_texts)

Cards keep every number but those named: a tower of two layers reads, prepares and pools as the published one does."""
import subprocess

import h5py
import numpy as np
import yaml
from PIL import Image

from medprobe_lib import BUILD, ROOT
from towers_lib import UNIT_BOUND, unit

TEXTS = ["no acute cardiopulmonary abnormality", "", "cavitary tuberculosis in the right upper lobe", "Pleural EFFUSION, small; it's 2 cm wide.",
         "na\u00efve caf\u00e9 \u2014 \u201cquoted\u201d \u80ba\u708e &amp; \U0001fac1", "consolidation of the left lower lobe " * 30, " mild  edema\n", "a"]


def make_pictures(folder, modes=("L", "RGB", "L", "RGB", "L", "RGBA"), seed=0):
    """Picture files of odd sizes and several modes, each with its own content: their paths."""
    random = np.random.default_rng(seed)
    sizes = [(300, 260), (231, 410), (96, 64), (500, 333), (224, 224), (150, 190)]
    folder.mkdir(exist_ok=True)
    paths = []
    for i, mode in enumerate(modes):
        w, h = sizes[i % len(sizes)]
        bands = {"L": 1, "RGB": 3, "RGBA": 4, "LA": 2}[mode]
        y, x = np.mgrid[0:h, 0:w]
        planes = []
        for _ in range(bands):
            grey = random.normal(random.uniform(60, 190), random.uniform(4, 40), (h, w))
            for _ in range(6):
                cy, cx, r = random.uniform(0, h), random.uniform(0, w), random.uniform(0.05, 0.4) * max(h, w)
                grey += random.normal(0, 80) * np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * r * r))
            planes.append(np.clip(grey, 0, 255).astype(np.uint8))
        pixels = planes[0] if bands == 1 else np.stack(planes, -1)
        paths.append(folder / f"p{i}.png")
        Image.fromarray(pixels, mode).save(paths[-1])
    return paths


class Card:
    """A named card with some numbers changed; `changes` maps dotted keys to values, None takes a key away."""

    def __init__(self, name, folder, changes=()):
        self.name, self.folder = name, folder
        self.data = yaml.safe_load((ROOT / f"configs/models/{name}.yaml").read_text(encoding="utf-8"))
        for key, value in dict(changes).items():
            *path, last = key.split(".")
            at = self.data
            for part in path:
                at = at[part]
            if value is None:
                at.pop(last)
            else:
                at[last] = value
        self.path = folder / f"{name}.yaml"
        self.path.write_text(yaml.safe_dump(self.data, sort_keys=False, allow_unicode=True), encoding="utf-8")

    def extract(self, weights, pictures, texts=None, *options):
        """Embeddings [N, D], norms [N]; with texts, text embeddings and norms, and the root attributes."""
        manifest, store = self.folder / "manifest.csv", self.folder / "store.h5"
        manifest.write_text("path\n" + "".join(f"{p}\n" for p in pictures))
        command = [BUILD / "bin/medprobe", "extract", "--model", self.path, "--weights", weights, "--manifest", manifest, "--quiet", "--force", "-o", store,
                   *options]
        if texts is not None:
            prompts = self.folder / "prompts.yaml"
            prompts.write_text(yaml.safe_dump({"name": "t", "classes": {"first": texts[:2], "second": texts[2:]}}, allow_unicode=True), encoding="utf-8")
            command += ["--prompts", prompts]
        done = subprocess.run([str(a) for a in command], capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        with h5py.File(store) as f:
            out = {"embeddings": f["embeddings"][:], "norms": f["norms"][:], "attributes": dict(f.attrs)}
            if texts is not None:
                out |= {"texts": f["text/embeddings"][:], "text_norms": f["text/norms"][:]}
        return out


def distance(ours, theirs):
    return float(np.abs(unit(ours) - unit(theirs)).max())


def compare(system, reference, ours, pictures=None, texts=None, bound=UNIT_BOUND):
    """Prints the system's line of the parity table; fails beyond the bound, or where the reference's own vectors are alike."""
    worst = 0.0
    for mine, theirs in ((ours["embeddings"], pictures), (ours.get("texts"), texts)):
        if theirs is None:
            continue
        cosine = unit(theirs) @ unit(theirs).T
        assert cosine[np.triu_indices(len(cosine), 1)].mean() < 0.97, "embeddings too alike to tell anything"
        worst = max(worst, distance(mine, theirs))
    print(f"parity: {system}, {reference}, {0 if pictures is None else len(pictures)}, {0 if texts is None else len(texts)}, {worst:.1e}")
    assert worst <= bound, worst
    return worst
