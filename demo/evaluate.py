# SPDX-License-Identifier: BSD-3-Clause
"""Zero-shot and few-shot figures of the demonstration model on held-out phantoms, by transformers and scikit-learn:
what `medprobe probe` must come near to, since it does the same in C.

    python demo/evaluate.py --data HELD_OUT --model configs/models/demo-phantom
"""
import argparse
import csv
import pathlib
import random

import numpy as np
import torch
import yaml
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, roc_auc_score
from transformers import BertTokenizer

import model as demo

PROMPTS = pathlib.Path(__file__).parent.parent / "configs/prompts/demo-phantom.yaml"


def embed_pictures(net, paths):
    pixels = torch.stack([demo.preprocess(p) for p in paths])
    with torch.no_grad():
        return torch.cat([net.vision_model(demo.normalize(part).unsqueeze(1)) for part in pixels.split(64)])


def embed_texts(net, tokenizer, texts):
    tokens = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=demo.MAX_LENGTH)
    with torch.no_grad():
        return net.text_model(tokens["input_ids"], tokens["attention_mask"])


def load_model(folder):
    tokenizer = BertTokenizer(str(folder / "vocab.txt"), do_lower_case=True)
    net = demo.DualEncoder(len(tokenizer)).eval()
    net.load_state_dict(load_file(folder / "weights.safetensors"))
    return net, tokenizer


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path, required=True)
    parser.add_argument("--prompts", type=pathlib.Path, default=PROMPTS)
    args = parser.parse_args()
    torch.set_num_threads(1)
    net, tokenizer = load_model(args.model)
    rows = list(csv.DictReader(open(args.data / "manifest.csv", newline="")))
    x = embed_pictures(net, [args.data / r["path"] for r in rows])
    truth = np.array([r["label"] == "tuberculosis" for r in rows], dtype=int)
    patients = np.array([r["patient_id"] for r in rows])
    split = np.array([r["split"] for r in rows])
    test = split == "test"
    severity = np.array([float(r["severity"]) for r in rows])

    classes = yaml.safe_load(open(args.prompts))["classes"]
    logits = torch.stack([(net.scale() * x @ embed_texts(net, tokenizer, classes[c]).T).mean(1).detach()
                          for c in ("normal", "tuberculosis")], dim=1)
    score = torch.softmax(logits, 1)[:, 1].numpy()
    print(f"zero-shot  accuracy {accuracy_score(truth[test], score[test] > 0.5):.3f}  "
          f"AUC {roc_auc_score(truth[test], score[test]):.3f}  (test pictures {test.sum()})")
    for name in classes:
        for phrase, row in zip(classes[name], embed_texts(net, tokenizer, classes[name])):
            auc = roc_auc_score(truth[test], (x @ row).numpy()[test])
            print(f"    {name:13} AUC of this phrase alone {auc:.3f}  {phrase}")
    for shots in (1, 2, 4, 8, 16):
        result = []
        for seed in range(1, 11):
            rng = random.Random(f"{shots},{seed}")
            support = []
            for c in (0, 1):
                mine = sorted(set(patients[(split == "train") & (truth == c)]))
                for p in rng.sample(mine, shots):
                    support.append(rng.choice(np.flatnonzero(patients == p).tolist()))
            fit = LogisticRegression(C=100, max_iter=2000).fit(x[support].numpy(), truth[support])
            p = fit.predict_proba(x[test].numpy())[:, 1]
            result.append((accuracy_score(truth[test], p > 0.5), roc_auc_score(truth[test], p)))
        mean, std = np.mean(result, 0), np.std(result, 0, ddof=1)
        print(f"{shots:2} shots   accuracy {mean[0]:.3f} +- {std[0]:.3f}  AUC {mean[1]:.3f} +- {std[1]:.3f}")
    far = (severity < 0.45) & (truth == 1)
    print(f"faint cavities: {far[test].sum()} of {truth[test].sum()} positive test pictures")


if __name__ == "__main__":
    main()
