# SPDX-License-Identifier: BSD-3-Clause
"""MedCLIP in Python, built from a model's card: pictures by Pillow, towers by transformers, pooled and projected as the
authors' code does it. And random checkpoints of any size under the published names."""
import pathlib

import numpy as np
import torch
import transformers
import yaml
from PIL import Image
from safetensors.torch import load_file

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def swin_config(image):
    return transformers.SwinConfig(
        image_size=image["image_size"], patch_size=image["patch_size"], num_channels=image["channels"],
        embed_dim=image["embed_dim"], depths=image["depths"], num_heads=image["heads"], window_size=image["window"],
        mlp_ratio=image["mlp_ratio"], layer_norm_eps=float(image["layer_norm_eps"]), drop_path_rate=0.0)


def bert_config(text):
    return transformers.BertConfig(
        vocab_size=text["vocab_size"], hidden_size=text["width"], num_hidden_layers=text["layers"],
        num_attention_heads=text["heads"], intermediate_size=text["intermediate"],
        max_position_embeddings=text["positions"], type_vocab_size=text["token_types"],
        layer_norm_eps=float(text["layer_norm_eps"]))


def grey8(im):
    """Mode L; 16 bits by the depth that the values need (docs/adr/0004)."""
    if im.mode.startswith("I"):
        v = np.asarray(im).astype(np.uint32)
        bits = next(b for b in (8, 10, 12, 14, 16) if v.max() < 1 << b)
        if bits > 8:
            v = np.floor(v * 255 / ((1 << bits) - 1) + 0.5)
        im = Image.fromarray(v.astype(np.uint8))
    return im.convert("L")


def resize(im, width, height, how):
    """Horizontal pass first, as Pillow did before 13."""
    return im.resize((width, im.height), how).resize((width, height), how)


class MedClip:
    def __init__(self, card, weights, vocab):
        self.card = yaml.safe_load(pathlib.Path(card).read_text(encoding="utf-8"))
        weights = pathlib.Path(weights)
        state = load_file(weights) if weights.suffix == ".safetensors" else torch.load(weights, map_location="cpu")
        part = lambda prefix: {k[len(prefix):]: v for k, v in state.items() if k.startswith(prefix)}
        image, text = self.card["image"], self.card["text"]
        self.swin = transformers.SwinModel(swin_config(image)).eval()
        self.bert = transformers.BertModel(bert_config(text)).eval()
        missing = self.swin.load_state_dict(part(image["prefix"]), strict=False)
        assert not missing.unexpected_keys and all("relative_position_index" in k for k in missing.missing_keys), missing
        missing = self.bert.load_state_dict(part(text["prefix"]), strict=False)
        assert not missing.missing_keys and set(missing.unexpected_keys) <= {"embeddings.position_ids"}, missing
        self.image_projection, self.text_projection = state[image["projection"]], state[text["projection"]]
        self.tokenizer = transformers.BertTokenizer(str(vocab), do_lower_case=True)
        self.scale = float(torch.clamp(state["logit_scale"], *self.card["similarity"]["clamp"]).exp())

    def pixels(self, path, pipeline=None):
        p = self.card["pipelines"][pipeline or self.card["pipelines"]["default"]]
        with Image.open(path) as im:
            im = grey8(im)
        side = max(p["pad_min"], *im.size)
        canvas = Image.new("L", (side, side), 0)
        canvas.paste(im, (int((side - im.width) / 2), int((side - im.height) / 2)))
        v = np.asarray(resize(canvas, p["width"], p["height"], FILTERS[p["filter"]])).astype(np.float32)
        v = v * np.float32(1 / 255) if p.get("rescale") == "multiply" else v / np.float32(255)
        v = (v - np.float32(p["mean"][0])) / np.float32(p["std"][0])
        return torch.from_numpy(v).expand(p["channels"], -1, -1)

    def pictures(self, paths, pipeline=None):
        out = []
        with torch.no_grad():
            for path in paths:
                pooled = self.swin(self.pixels(path, pipeline)[None]).pooler_output
                out.append(torch.nn.functional.normalize(pooled @ self.image_projection.T)[0])
        return torch.stack(out).numpy()

    def prompts(self, phrases, pooling=None):
        """One batch, as medclip/modeling_medclip.py pools it."""
        batch = self.tokenizer(phrases, padding=True, truncation=True, max_length=self.card["tokenizer"]["max_length"],
                               return_tensors="pt")
        with torch.no_grad():
            o = self.bert(**batch, output_hidden_states=True)
            h = o.hidden_states
            pooled = o.pooler_output if pooling == "pooler" else torch.stack([h[1], h[2], h[-1]]).mean(2).mean(0)
            return torch.nn.functional.normalize(pooled @ self.text_projection.T).numpy()


def random_checkpoint(card, seed):
    """A state dict of the card's sizes under the published names. Matrices keep the length of what passes (standard
    deviation gain / sqrt(inputs)), so that embeddings of different pictures differ (mean cosine well below 0.9)."""
    torch.manual_seed(seed)
    image, text = card["image"], card["text"]
    state = {"logit_scale": torch.tensor(2.6592600)}
    for prefix, model in [(image["prefix"], transformers.SwinModel(swin_config(image))),
                          (text["prefix"], transformers.BertModel(bert_config(text)))]:
        for k, v in model.state_dict().items():
            if not v.is_floating_point():
                state[prefix + k] = v
            elif v.ndim == 1:
                norm = "norm" in k.lower() and k.endswith("weight")
                state[prefix + k] = torch.randn_like(v) * 0.1 + (1 if norm else 0)
            elif "embeddings.weight" in k:
                state[prefix + k] = torch.randn_like(v) * 0.5
            elif "bias_table" in k:
                state[prefix + k] = torch.randn_like(v) * 0.5
            else:
                state[prefix + k] = torch.randn_like(v) * (1.6 / (v[0].numel()) ** 0.5)
    width = {image["projection"]: image["embed_dim"] * 2 ** (len(image["depths"]) - 1), text["projection"]: text["width"]}
    for name, inputs in width.items():
        state[name] = torch.randn(image["output_width"], inputs) * inputs**-0.5
    state[text["prefix"] + "embeddings.position_ids"] = torch.arange(text["positions"])[None]
    return state
