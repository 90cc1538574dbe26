# SPDX-License-Identifier: BSD-3-Clause
"""The demonstration model: MedCLIP's architecture (Swin picture tower, BERT text tower, two projections without bias)
at a few million bytes, with the same names of tensors."""
import torch
from PIL import Image
from torch import nn
from transformers import BertConfig, BertModel, SwinConfig, SwinModel

SIZE = 64
MEAN, STD = 0.5862785803043838, 0.27950088968644304
PROJECTION = 128
MAX_LENGTH = 77
INIT = 0.1  # the usual 0.02 is made for widths of 768: here it would leave the blocks nearly silent for long


def swin_config():
    return SwinConfig(image_size=SIZE, patch_size=4, num_channels=3, embed_dim=24, depths=[2, 2, 2],
                      num_heads=[1, 2, 4], window_size=4, drop_path_rate=0.0, initializer_range=INIT)


def bert_config(vocab_size):
    return BertConfig(vocab_size=vocab_size, hidden_size=128, num_hidden_layers=3, num_attention_heads=4,
                      intermediate_size=512, max_position_embeddings=MAX_LENGTH + 3, hidden_dropout_prob=0.0,
                      attention_probs_dropout_prob=0.0, initializer_range=INIT)


class VisionModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = SwinModel(swin_config())
        self.projection_head = nn.Linear(self.model.num_features, PROJECTION, bias=False)

    def features(self, pixels):
        """pixels [N, 1 or 3, SIZE, SIZE] -> the last layer's tokens [N, 16, 96] and their mean [N, 96]."""
        if pixels.shape[1] == 1:
            pixels = pixels.expand(-1, 3, -1, -1)
        out = self.model(pixels)
        return out.last_hidden_state, out.pooler_output

    def project(self, features):
        return nn.functional.normalize(self.projection_head(features), dim=-1)

    def forward(self, pixels):
        """pixels [N, 1 or 3, SIZE, SIZE] -> unit vectors [N, PROJECTION]."""
        return self.project(self.features(pixels)[1])


class TextModel(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.model = BertModel(bert_config(vocab_size))
        self.projection_head = nn.Linear(self.model.config.hidden_size, PROJECTION, bias=False)

    def features(self, ids, mask):
        """Mean over all positions, padding included, and over the outputs of layers 1, 2 and the last, as MedCLIP."""
        hidden = self.model(ids, attention_mask=mask, output_hidden_states=True).hidden_states
        return torch.stack([hidden[1], hidden[2], hidden[-1]]).permute(1, 0, 2, 3).mean(2).mean(1)

    def forward(self, ids, mask):
        """Unit vectors [N, PROJECTION]."""
        return nn.functional.normalize(self.projection_head(self.features(ids, mask)), dim=-1)


class DualEncoder(nn.Module):
    def __init__(self, vocab_size):
        super().__init__()
        self.vision_model = VisionModel()
        self.text_model = TextModel(vocab_size)
        self.logit_scale = nn.Parameter(torch.log(torch.tensor(1 / 0.07)))

    def scale(self):
        return self.logit_scale.clamp(0, 4.6052).exp()


def load_grey(path):
    """8-bit grey; 16-bit pictures are scaled (v / 257), not clipped."""
    image = Image.open(path)
    if image.mode in ("I;16", "I"):
        grey = torch.tensor(list(image.getdata()), dtype=torch.float64).reshape(image.size[::-1])
        return Image.fromarray((grey / 257 + 0.5).floor().to(torch.uint8).numpy())
    return image.convert("L")


def preprocess(path):
    """Black square canvas, bicubic to SIZE, as MedCLIPProcessor: uint8 [SIZE, SIZE]."""
    image = load_grey(path)
    side = max(SIZE, *image.size)
    canvas = Image.new("L", (side, side), 0)
    canvas.paste(image, (int((side - image.width) / 2), int((side - image.height) / 2)))
    canvas = canvas.resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    return torch.frombuffer(bytearray(canvas.tobytes()), dtype=torch.uint8).reshape(SIZE, SIZE)


def normalize(pixels):
    """uint8 [..., SIZE, SIZE] -> float input."""
    return (pixels.to(torch.float32) / 255 - MEAN) / STD
