#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Image towers beside PyTorch eager: images/s on random weights of MedCLIP-ViT's shape (Swin-T), rounds in turn.

    python bench/towers.py [--threads 1,2] [--batches 1,8,32] [--rounds 5] [--seconds 3]

Needs the reference environment (tests/reference/requirements.txt) and `make build/release/bench/towers`. Every round asks
each program once, so that what else runs on the machine falls on all of them; printed are medians over rounds, the spread,
and the median of the rounds' own ratios. medprobe gives a thread a whole picture: its speed has no batch size.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "reference"))


def ours(yaml, weights, threads, program):
    process = subprocess.Popen([program, yaml, weights, str(threads)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    kernel, load = process.stdout.readline().split()

    def run(seconds):
        done, passed, processor, n = 0, 0.0, 0.0, threads
        while passed < seconds:
            process.stdin.write(f"{n}\n")
            process.stdin.flush()
            wall, used = map(float, process.stdout.readline().split())
            passed, processor, done, n = passed + wall, processor + used, done + n, min(4 * threads, n * 2)
        return done / passed, processor / done

    return f"medprobe {kernel} (loaded in {load} s)", run, process


def peer(reference, batch, threads):
    import torch
    from swin_models import PUBLISHED, pictures

    one = torch.from_numpy(pictures(1, PUBLISHED, seed=1))
    pixels = one.repeat(batch, 1, 1, 1).contiguous()

    def run(seconds):
        torch.set_num_threads(threads)
        done, begin, processor = 0, time.perf_counter(), time.process_time()
        with torch.inference_mode():
            while time.perf_counter() - begin < seconds:
                reference(pixels)
                done += batch
        return done / (time.perf_counter() - begin), (time.process_time() - processor) / done

    return f"PyTorch eager, batch {batch}", run


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--program", default=str(ROOT / "build/release/bench/towers"))
    options = parser.parse_args()
    from swin_models import PUBLISHED, description, make_reference, save

    reference = make_reference(PUBLISHED, 512, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        weights = save(reference, os.path.join(folder, "model.safetensors"))
        yaml = os.path.join(folder, "model.yaml")
        pathlib.Path(yaml).write_text("image:\n" + "".join(f"  {line}\n" for line in description(PUBLISHED, 512).splitlines()))
        for threads in map(int, options.threads.split(",")):
            name, run, process = ours(yaml, weights, threads, options.program)
            programs = [(name, run)] + [peer(reference, int(b), threads) for b in options.batches.split(",")]
            rounds = [[] for _ in programs]
            for _, run in programs:
                run(0.5)
            for _ in range(options.rounds):
                for i, (_, run) in enumerate(programs):
                    rounds[i].append(run(options.seconds))
            print(f"{threads} thread{'s' if threads > 1 else ''}: images/s, median (least to most) of {options.rounds} rounds; "
                  "processor time a picture")
            for (name, _), values in zip(programs, rounds):
                speeds, used = [v[0] for v in values], statistics.median(v[1] for v in values)
                ratios = [a[0] / b[0] for a, b in zip(rounds[0], values)]
                beside = "" if values is rounds[0] else f"   medprobe: {statistics.median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})"
                print(f"  {name:38s} {statistics.median(speeds):6.2f} ({min(speeds):.2f} to {max(speeds):.2f})  {used * 1e3:5.0f} ms{beside}",
                      flush=True)
            process.stdin.close()
            print("  medprobe:", process.stdout.read().strip())


if __name__ == "__main__":
    main()
