# SPDX-License-Identifier: BSD-3-Clause
"""Protects: prompt sets: the committed ones against the digests of MedCLIP's own lists, and what the reader makes of YAML against
PyYAML.

Planted fault: the places in scripts/medclip-prompts without their last entry; the digests of Atelectasis and Pneumonia and
the sample of ten saw it."""
import ctypes as c
import hashlib
import os
import random
import subprocess
import sys

import pytest
import yaml

from medprobe_lib import Error, ROOT, lib
from test_random import L as _  # declares the generators' arguments
from test_random import Mt

L = lib()
SETS = ROOT / "configs/prompts"
ENSEMBLES = ["mean-logits", "max-logits", "mean-embedding", "mean-raw"]  # enum mdp_ensemble


class Class(c.Structure):
    _fields_ = [("name", c.c_char_p), ("n", c.c_size_t), ("phrases", c.POINTER(c.c_char_p))]


class Prompts(c.Structure):
    _fields_ = [("name", c.c_char_p), ("has_ensemble", c.c_bool), ("ensemble", c.c_int), ("n", c.c_size_t),
                ("classes", c.POINTER(Class)), ("negatives", c.POINTER(Class)), ("sha256", c.c_char * 65), ("owned", c.c_void_p)]


def read(path):
    """name, ensemble, {class: phrases} as medprobe reads them."""
    prompts, err = Prompts(), Error()
    if L.mdp_prompts_read(os.fsencode(path), c.byref(prompts), c.byref(err)):
        raise ValueError(err.message.decode())
    classes = {prompts.classes[i].name.decode(): [prompts.classes[i].phrases[j].decode() for j in range(prompts.classes[i].n)]
               for i in range(prompts.n)}
    assert prompts.sha256.decode() == hashlib.sha256(path.read_bytes()).hexdigest()
    name, ensemble = prompts.name.decode(), ENSEMBLES[prompts.ensemble]
    L.mdp_prompts_release(c.byref(prompts))
    return name, ensemble, classes


DIGESTS = {
    ("medclip-chexpert", "Atelectasis"): "b196f46f2aacc430ef2c19b0f65b25b9e5c75747d77f4cabd06256affc5de78d",
    ("medclip-chexpert", "Cardiomegaly"): "43c4404effa2a822b319b47e4e67981880fb01951d62bd56c758f7572b1eda28",
    ("medclip-chexpert", "Consolidation"): "9c56edcabbfa7d7110b070fd3fa883938c30e333de5cca458068ad87e91e8459",
    ("medclip-chexpert", "Edema"): "0f350ca1b087b7a225b201b4f47d4668d156669babbbd57e5de9e6911d60143a",
    ("medclip-chexpert", "Pleural Effusion"): "408804c85a5e96743a8dd52209297df8790015669b66d12068c8290513565110",
    ("medclip-rsna", "Pneumonia"): "4aaa7102ce1c0c7881143315257be28a827789e5256f03070f7239c095b49a06",
    ("medclip-covid", "COVID"): "8061a7d884c01ce575770b8233d2ac8bbf9eca3dcd20781c5d58dd507a8fa51c",
}
COUNTS = {"Atelectasis": 210, "Cardiomegaly": 15, "Consolidation": 192, "Edema": 18, "Pleural Effusion": 54, "COVID": 12,
          "Pneumonia": 312}
SAMPLED = {
    "Atelectasis": [163, 28, 6, 189, 70, 62, 57, 35, 188, 26],
    "Cardiomegaly": [10, 11, 8, 1, 9, 6, 0, 12, 7, 13],
    "Consolidation": [59, 129, 154, 6, 143, 50, 183, 166, 179, 139],
    "Edema": [13, 7, 14, 9, 4, 12, 0, 2, 6, 5],
    "Pleural Effusion": [17, 9, 13, 48, 21, 6, 5, 24, 50, 22],
}


@pytest.mark.parametrize("name, klass", DIGESTS)
def test_medclip_lists(name, klass):
    found_name, ensemble, classes = read(SETS / f"{name}.yaml")
    assert (found_name, ensemble) == (name, "mean-logits")
    assert len(classes[klass]) == COUNTS[klass]
    assert hashlib.sha256("\n".join(classes[klass]).encode()).hexdigest() == DIGESTS[name, klass]


def test_medclip_sample_of_ten():
    """random.seed(42) once, then random.sample of each class in order, by medprobe's own generator."""
    full, ten = read(SETS / "medclip-chexpert.yaml")[2], read(SETS / "medclip-chexpert-10.yaml")[2]
    assert list(ten) == list(full) == list(SAMPLED)
    mt, out = Mt(), (c.c_size_t * 10)()
    L.mdp_py_seed(mt, 42)
    for klass, phrases in full.items():
        assert L.mdp_py_sample(mt, len(phrases), 10, out, None) == 0
        assert list(out) == SAMPLED[klass]
        assert ten[klass] == [phrases[i] for i in out]


def test_the_committed_files_are_what_the_script_writes():
    assert subprocess.run([sys.executable, ROOT / "scripts/medclip-prompts", "--check"]).returncode == 0


@pytest.mark.parametrize("path", sorted(SETS.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_set_reads_and_has_its_file_name(path):
    name, _, classes = read(path)
    assert name == path.stem
    assert len(classes) >= 2 and all(classes.values())


@pytest.mark.parametrize("name, classes", [
    ("tb", ["normal", "tuberculosis"]), ("pneumonia", ["normal", "pneumonia"]), ("nih-pneumonia", ["no_finding", "pneumonia"]),
    ("medclip-covid", ["Normal", "COVID"]), ("medclip-rsna", ["Normal", "Pneumonia"])])
def test_order_of_classes(name, classes):
    """The second class of two is the positive one."""
    assert list(read(SETS / f"{name}.yaml")[2]) == classes


def random_phrase(r):
    parts = ["consolidation", "é", "肺炎", " ", "  ", "\n", "\t", ":", " #", "- ", "'", '"', "{}", "{", "[x]", "~", "null", "yes",
             "1.5", "&a", "*a", "!", "%", "@", "`", "\\", "🫁", "", "\u2028", "|", ">", "?", ",", "\u00a0"]
    return "".join(r.choice(parts) for _ in range(r.randrange(5)))


def test_text_is_as_yaml_gives_it(tmp_path):
    """But for an unescaped U+0085, which is a line break in YAML 1.1 (libyaml) and none in YAML 1.2."""
    r = random.Random(4)
    path = tmp_path / "made.yaml"
    for _ in range(400):
        classes = {random_phrase(r) + str(i): [random_phrase(r) for _ in range(r.randrange(1, 6))] for i in range(r.randrange(1, 5))}
        ensemble = r.choice(ENSEMBLES)
        name = random_phrase(r)
        text = yaml.safe_dump({"name": name, "ensemble": ensemble, "classes": classes}, sort_keys=False, width=r.choice([20, 80, 9999]),
                              allow_unicode=r.choice([True, False]), default_flow_style=r.choice([True, False, None]),
                              default_style=r.choice([None, "'", '"', "|", ">"]))
        path.write_text(text, encoding="utf-8", newline="")
        assert yaml.safe_load(text)["classes"] == classes
        assert read(path) == (name, ensemble, classes), text


def test_templates(tmp_path):
    path = tmp_path / "filled.yaml"
    path.write_text("templates: ['a chest radiograph showing {}', '{}', '{} or {}: {x}{{}}']\n"
                    "classes: {'a {} b': , TB: ~, empty: [], own: ['phrase {}', '']}\n")
    name, ensemble, classes = read(path)
    assert (name, ensemble) == ("filled", "mean-logits")
    forms = ["a chest radiograph showing {}", "{}", "{} or {}: {x}{{}}"]
    assert classes == {k: [f.replace("{}", k) for f in forms] for k in ("a {} b", "TB", "empty")} | {"own": ["phrase {}", ""]}
