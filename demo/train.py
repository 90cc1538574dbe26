# SPDX-License-Identifier: BSD-3-Clause
"""Trains the demonstration model on phantoms and their synthetic reports.

    python demo/train.py --data TRAIN --out configs/models/demo-phantom

TRAIN is a folder made by the phantom generator with --task multi; README.md has the commands. One process, fixed
seeds: the same torch build on the same kind of CPU gives the same weights.
"""
import argparse
import csv
import pathlib
import random
import time

import torch
from safetensors.torch import save_file
from torch import nn
from transformers import BertTokenizerFast

import model as demo
import reports


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--steps", type=int, default=700)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--cause", type=float, default=0.2, help="how often a report names tuberculosis")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def facts(findings):
    """What a report says, as a unit vector: findings with their places, weighted by severity, and how normal the rest
    is."""
    names = list(reports.NEGATIVES)
    out = torch.zeros(len(names) * 6 + 1)
    for name, (side, zone, severity) in findings.items():
        base = names.index(name) * 6
        out[base] = 0.4 + 0.6 * severity
        if side:
            out[base + 1 + ["right", "left"].index(side)] = 0.4
            out[base + 3 + ["upper", "middle", "lower"].index(zone)] = 0.3
    out[-1] = 1 - max((severity for _, _, severity in findings.values()), default=0)
    return out / out.norm()


def load(folder):
    with open(folder / "manifest.csv", newline="") as f:
        rows = list(csv.DictReader(f))
    pixels = torch.stack([demo.preprocess(folder / row["path"]) for row in rows])
    found = [reports.parse_findings(row["findings"]) for row in rows]
    return rows, pixels, found, torch.stack([facts(f) for f in found])


def places(findings):
    """Severity of every finding at every place it can have [12], for the helper."""
    out = torch.zeros(12)
    for name, (side, zone, severity) in findings.items():
        at = int(side == "left")
        index = {"upper_lobe_cavity": at, "consolidation": 2 + 3 * at + ["upper", "middle", "lower", ""].index(zone) % 3,
                 "effusion": 8 + at, "nodules": 10, "cardiomegaly": 11}[name]
        out[index] = severity
    return out


def start_patches(convolution, pixels):
    """Patch embedding from the principal components of patches, each of unit variance, and the first one again at several
    offsets. Random filters all see the mean of a patch, and the norm after them takes its size away."""
    k = convolution.kernel_size[0]
    patches = pixels.unfold(1, k, k).unfold(2, k, k).reshape(-1, k * k).double()
    values, vectors = torch.linalg.eigh(torch.cov(patches.T))
    whiten = (vectors / values.sqrt()).T.flip(0)
    more = convolution.out_channels - k * k
    rows = torch.cat([whiten, whiten[:1].expand(more, -1)])
    bias = -(rows @ patches.mean(0))
    bias[k * k:] += torch.linspace(-1.5, 1.5, more, dtype=torch.float64)
    with torch.no_grad():
        convolution.weight.copy_((rows / 3).reshape(-1, 1, k, k).expand(-1, 3, -1, -1))
        convolution.bias.copy_(bias)


def semantic_matching_loss(logits, target):
    """MedCLIP's loss: pairs that say the same are not pushed apart; the target [N, N] is a softmax over likeness."""
    return -0.5 * ((target * torch.log_softmax(logits, 1)).sum(1).mean() +
                   (target * torch.log_softmax(logits.T, 1)).sum(1).mean())


def train(args, tokenizer):
    rows, pixels, found, fact = load(args.data)
    place = torch.stack([places(f) for f in found])
    rng = random.Random(args.seed)
    generator = torch.Generator().manual_seed(args.seed)
    net = demo.DualEncoder(len(tokenizer))
    start_patches(net.vision_model.model.embeddings.patch_embeddings.projection, demo.normalize(pixels[:300]))
    # Two things speed the first steps up and are thrown away. Anchors: fixed points that both towers are drawn to besides
    # each other; without them all pictures point one way and all texts another, and the contrastive loss does not move.
    # The helper reads findings with their places from the last tokens, so that the picture tower learns where to look.
    anchors = fact @ nn.init.orthogonal_(torch.empty(fact.shape[1], demo.PROJECTION))
    helper = nn.Linear((demo.SIZE // 16) ** 2 * net.vision_model.model.num_features, place.shape[1])
    parameters = [*net.parameters(), *helper.parameters()]
    optimizer = torch.optim.AdamW([{"params": [p for p in parameters if p.ndim > 1], "weight_decay": 0.05},
                                   {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0}],
                                  lr=args.rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / 50, 1.0, max(0.01, 1.6 * (1 - s / args.steps))))
    order, start, mean = [], time.time(), None
    for step in range(args.steps):
        if len(order) < args.batch:
            order = torch.randperm(len(rows), generator=generator).tolist()
        batch, order = order[:args.batch], order[args.batch:]
        tokens, features = net.vision_model.features(demo.normalize(pixels[batch]).unsqueeze(1))
        seen = net.vision_model.project(features)
        target = torch.softmax(fact[batch] @ fact[batch].T / 0.07, dim=1)
        guess = nn.functional.binary_cross_entropy_with_logits(helper(tokens.flatten(1)), place[batch])
        scale = net.scale()
        loss = 3 * guess + semantic_matching_loss(scale * seen @ anchors[batch].T, target)
        if step % 2 == 0:  # texts are learned much sooner
            texts = [reports.report(found[i], rows[i]["view"], rng, args.cause) for i in batch]
            words = tokenizer(texts, return_tensors="pt", padding=True, truncation=True, max_length=demo.MAX_LENGTH)
            said = net.text_model(words["input_ids"], words["attention_mask"])
            pairs = semantic_matching_loss(scale * seen @ said.T, target)
            loss = loss + pairs + semantic_matching_loss(scale * said @ anchors[batch].T, target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        now = torch.stack([pairs.detach(), guess.detach()])
        mean = now if mean is None else 0.97 * mean + 0.03 * now
        if step % 50 == 49:
            floor = -(target * target.log()).sum(1).mean().item()
            print(f"step {step + 1} contrastive {mean[0]:.3f} (least possible {floor:.2f}) helper {mean[1]:.4f} "
                  f"scale {scale.item():.1f} {time.time() - start:.0f} s", flush=True)
    return net.eval()


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    torch.use_deterministic_algorithms(True)
    args.out.mkdir(parents=True, exist_ok=True)
    vocab = args.out / "vocab.txt"
    vocab.write_text("\n".join(reports.vocabulary()) + "\n")
    net = train(args, BertTokenizerFast(vocab_file=str(vocab), do_lower_case=True))
    tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    # One entry only: several come in another order each time.
    save_file(tensors, args.out / "weights.safetensors",
              metadata={"what": "demonstration on synthetic pictures; not for any other use"})


if __name__ == "__main__":
    main()
