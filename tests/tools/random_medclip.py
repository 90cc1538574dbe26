#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A random checkpoint of a card's sizes (configs/models/medclip-vit.yaml: the published model's, 521 MiB), saved as the
published one is: torch zip, one state dict.

    random_medclip.py CARD OUT.bin [SEED]
"""
import pathlib
import sys

import torch
import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "reference"))
from medclip_models import random_checkpoint  # noqa: E402

card = yaml.safe_load(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"))
torch.save(random_checkpoint(card, int(sys.argv[3]) if len(sys.argv) > 3 else 1), sys.argv[2])
