# SPDX-License-Identifier: BSD-3-Clause
"""Folders as the libraries save them, and `medprobe extract --model FOLDER` on pictures and prompts beside the library itself."""
import json
import subprocess

import h5py
import numpy as np
import yaml
from PIL import Image

from medprobe_lib import BUILD, ROOT  # noqa: F401 (ROOT is for the tests)
from towers_lib import assert_close, unit

MEDPROBE = BUILD / "bin/medprobe"
# Wide, tall, odd, smaller and larger than a tower's input; grey and colour, JPEG and PNG.
SHAPES = [(97, 61), (61, 97), (64, 64), (33, 41), (150, 149), (40, 131), (21, 20)]
PHRASES = {"sick": ["An opacity in the left lung.", "no  effusion, 12 cm; Tubérculosis", "lung " * 40], "well": ["normal", ""]}


def draw(folder, seed=1):
    """Small pictures of every shape -> paths; a manifest and a prompt set beside them."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i, (w, h) in enumerate(SHAPES):
        y, x = np.mgrid[0:h, 0:w] / max(w, h)
        planes = [127 + 90 * np.sin(random.uniform(4, 20) * x + random.uniform(4, 20) * y) + random.normal(0, 25, (h, w))
                  for _ in range(1 if i % 3 == 1 else 3)]
        array = np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)
        paths.append(folder / f"{i}.{'png' if i % 2 else 'jpg'}")
        Image.fromarray(array.squeeze()).save(paths[-1])
    (folder / "m.csv").write_text("path\n" + "".join(p.name + "\n" for p in paths))
    (folder / "prompts.yaml").write_text(yaml.safe_dump({"name": "t", "classes": PHRASES}, sort_keys=False, allow_unicode=True), encoding="utf-8")
    return paths


def medprobe(*args):
    return subprocess.run([str(a) for a in (MEDPROBE, *args)], capture_output=True, text=True, timeout=120)


def extract(model, pictures, store, texts=False, *more):
    """-> embeddings of the pictures, and of the phrases or None; the store's attributes. Pillow here is 13: its order of passes."""
    done = medprobe("extract", "--model", model, "--manifest", pictures / "m.csv", "--quiet", "--force", "-o", store,
                    "--resize-order", "pillow13",
                    *(["--prompts", pictures / "prompts.yaml"] if texts else []), *more)
    assert done.returncode == 0, done.stderr
    with h5py.File(store) as f:
        return np.array(f["embeddings"]), np.array(f["text/embeddings"]) if texts else None, dict(f.attrs)


def phrases():
    return [p for c in PHRASES.values() for p in c]


def card(folder):
    """The card that medprobe makes of the folder, parsed."""
    done = medprobe("models", "show", folder)
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout.split("\n\n", 1)[1])


def refusal(folder, file, **changes):
    """The line that answers a folder whose `file` has other fields (None takes one away); the file is put back."""
    path = folder / file
    kept = path.read_text()
    fields = json.loads(kept)
    for key, value in changes.items():
        at, last = fields, key
        while "__" in last.strip("_") and last.split("__", 1)[0] in at:
            section, last = last.split("__", 1)
            at = at[section]
        at[last] = value
        if value is None:
            del at[last]
    path.write_text(json.dumps(fields))
    try:
        done = medprobe("models", "show", folder)
    finally:
        path.write_text(kept)
    assert done.returncode == 1 and done.stderr.count("\n") == 1, (done.returncode, done.stdout, done.stderr)
    return done.stderr


def same_pictures(ours, theirs, bound=1e-5, mean_cosine=0.97):
    return assert_close(ours, unit(theirs), bound, mean_cosine)
