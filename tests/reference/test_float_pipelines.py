# SPDX-License-Identifier: BSD-3-Clause
"""Protects: pipelines whose resize is not Pillow's, beside the libraries that do it: torchxrayvision (skimage), pybioclip and FLAIR (torch with
antialias), GLoRIA (OpenCV's INTER_AREA, then torch's interpolate).

Bounds: floats within 1e-6 of the largest value (sums in another order); OpenCV's bytes equal. OpenCV need not be installed: its rule is written
down here in NumPy (modules/imgproc/src/resize.cpp of 5.0.0), and compared with it where `cv2` can be imported; on 600 pictures of kept
proportions it was equal.
Planted: another filter, another corner, the first channel for grey, which must be seen."""
import math

import numpy as np
import pytest
import torch

from test_picture_modes import OPENAI, PLAIN, Pipeline, files
from test_pictures import Refused

torch.set_num_threads(1)
SIZES = [(1, 50), (50, 1), (3, 5), (40, 40), (41, 40), (97, 200), (211, 90), (23, 130), (80, 80), (120, 160)]
COUNTS = {}


def near(name, pipeline, reference, modes, bound=1e-6, wrong=None, sizes=SIZES):
    worst = n = seen = 0
    for picture, image in files(3, sizes, modes):
        got, want = pipeline(picture), np.asarray(reference(image), np.float32)
        assert got.shape == want.shape
        worst = max(worst, float(np.abs(got - want).max() / max(1, np.abs(want).max())))
        assert worst <= bound, (name, image.mode, image.size, worst)
        seen += wrong is not None and float(np.abs(wrong(picture) - want).max() / max(1, np.abs(want).max())) > 1000 * max(bound, 1e-6)
        n += 1
    assert n and (wrong is None or seen > n // 4), (name, seen, n)
    COUNTS[name] = (n, worst)


def test_torchxrayvision():
    import torchxrayvision as xrv

    def reference(image):
        pixels = np.asarray(image)
        pixels = xrv.datasets.normalize(pixels[..., 0] if pixels.ndim == 3 else pixels, 255)[None]
        return xrv.datasets.XRayResizer(40)(xrv.datasets.XRayCenterCrop()(pixels))

    words = dict(color="first", pad="crop-square", float_resize="skimage", filter="bilinear", rescale="signed-1024", channels=1, width=40,
                 height=40, **PLAIN)
    near("torchxrayvision", Pipeline(**words), reference, ["L", "LA", "RGB", "RGBA"], wrong=Pipeline(**words | dict(float_resize="bilinear-antialias")))
    words["color"] = "L"
    with pytest.raises(AssertionError):
        near("grey for the first channel", Pipeline(**words), reference, ["RGB"])


def test_pybioclip():
    """ToTensor, Resize of the tensor, Normalize."""
    from torchvision import transforms
    way = transforms.Compose([lambda i: i.convert("RGB"), transforms.ToTensor(), transforms.Resize((40, 33), antialias=True),
                              transforms.Normalize(**OPENAI)])
    words = dict(float_resize="bilinear-antialias", filter="bilinear", width=33, height=40, **OPENAI)
    near("pybioclip", Pipeline(**words), way, ["L", "RGB", "RGBA", "P", "CMYK"], wrong=Pipeline(width=33, height=40, filter="bicubic", **OPENAI))


def test_flair():
    """preprocess_image: the longer side to the input's, zeros on the right and below, no mean."""
    from torchvision.transforms import Resize

    def reference(image):
        x = torch.tensor(np.asarray(image.convert("RGB"), np.float32).transpose(2, 0, 1) / 255)
        scale = max(x.shape[-2:]) / 40
        x = Resize((int(x.shape[-2] / scale), int(x.shape[-1] / scale)), antialias=True)(x)
        return torch.nn.functional.pad(x, (0, 40 - x.shape[-1], 0, 40 - x.shape[-2]))

    words = dict(pad="fit-corner", float_resize="bilinear-antialias", filter="bilinear", width=40, height=40, **PLAIN)
    sizes = [s for s in SIZES if s not in [(1, 50), (50, 1)]]
    near("FLAIR", Pipeline(**words), reference, ["L", "RGB"], wrong=Pipeline(width=40, height=40, pad="fit-black", filter="bilinear", **PLAIN), sizes=sizes)
    with pytest.raises(Refused, match="too thin"):
        Pipeline(**words)(next(files(1, [(1, 50)], ["L"]))[0])


# ----------------------------------------------------------------------------------------------- INTER_AREA


def area_weights(side, new):
    """What each output sees, shrinking: pairs of input and weight."""
    scale, out = 1 / (new / side), []
    for d in range(new):
        low, high = d * scale, d * scale + scale
        cell, end = min(scale, side - low), min(math.floor(high), side - 1)
        begin = min(math.ceil(low), end)
        seen = [(begin - 1, np.float32((begin - low) / cell))] if begin - low > 1e-3 else []
        seen += [(s, np.float32(1 / cell)) for s in range(begin, end)]
        out.append(seen + ([(end, np.float32(min(high - end, 1, cell) / cell))] if high - end > 1e-3 else []))
    return out


def linear_weights(side, new):
    out = []
    for d in range(new):
        s = math.floor(d * (1 / (new / side)))
        part = np.float32((d + 1) - (s + 1) * (new / side))
        part = np.float32(0) if part <= 0 else np.float32(part - math.floor(part))
        s, part = (side - 1, np.float32(0)) if s >= side - 1 else (s, part)
        out.append((s, min(s + 1, side - 1), int(np.rint((1 - part) * np.float32(2048))), int(np.rint(part * np.float32(2048)))))
    return out


def inter_area(image, width, height):
    """cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA) for grey bytes."""
    h, w = image.shape
    if (w, h) == (width, height):
        return image
    if w < width or h < height:
        x = image.astype(np.int64)
        rows = np.stack([x[:, a] * p + x[:, b] * q for a, b, p, q in linear_weights(w, width)], 1) >> 4
        return np.clip(np.stack([((p * rows[a] >> 16) + (q * rows[b] >> 16) + 2) >> 2 for a, b, p, q in linear_weights(h, height)]), 0, 255)
    if w % width == 0 and h % height == 0:
        a, b = h // height, w // width
        total = image.reshape(height, a, width, b).astype(np.int64).sum((1, 3))
        return (total + 2) >> 2 if a == b == 2 else np.rint(total.astype(np.float32) * (np.float32(1) / np.float32(a * b)))
    rows, out = np.zeros((h, width), np.float32), np.zeros((height, width), np.float32)
    for d, seen in enumerate(area_weights(w, width)):
        for s, weight in seen:
            rows[:, d] += image[:, s].astype(np.float32) * weight
    for d, seen in enumerate(area_weights(h, height)):
        for s, weight in seen:
            out[d] += rows[s] * weight
    return np.clip(np.rint(out), 0, 255)


def gloria(image, resize, scale=64, crop=56, up=75):
    """gloria_model.py: _resize_img, then CenterCrop, ToTensor, Normalize and the up-sampling of the model."""
    pixels = np.asarray(image.convert("L"))
    size = list(pixels.shape)
    high = size.index(max(size)) == 0
    width, height = (int(float(size[1]) * (scale / float(size[0]))), scale) if high else (scale, int(float(size[0]) * (scale / float(size[1]))))
    small = np.asarray(resize(pixels, width, height), np.uint8)
    left, top = math.floor((scale - width) / 2), math.floor((scale - height) / 2)
    square = np.pad(small, [(top, scale - height - top), (left, scale - width - left)])
    at = int(round((scale - crop) / 2))
    x = torch.tensor(square[at:at + crop, at:at + crop] / np.float32(255)).sub(0.5).div(0.5).repeat(1, 3, 1, 1)
    return torch.nn.functional.interpolate(x, size=(up, up), mode="bilinear", align_corners=True)[0]


GLORIA = dict(color="L", pad="fit-longer", longer_side=64, filter="area", float_from=56, float_resize="bilinear-corners", width=75, height=75, mean=[0.5],
              std=[0.5])
GLORIA_SIZES = [(3, 5), (64, 64), (41, 40), (97, 200), (211, 90), (23, 130), (128, 128), (192, 128), (128, 70), (64, 30), (65, 63), (90, 211), (301, 260)]


def test_gloria():
    near("GLoRIA", Pipeline(**GLORIA), lambda i: gloria(i, inter_area), ["L", "RGB"], wrong=Pipeline(**GLORIA | dict(filter="nearest")), sizes=GLORIA_SIZES)
    # without the up-sampling: bytes, so that a level would be seen
    plain = {k: v for k, v in GLORIA.items() if not k.startswith("float")} | dict(width=56, height=56)
    near("GLoRIA's 8-bit picture", Pipeline(**plain), lambda i: gloria(i, inter_area, up=56), ["L"], bound=1e-6, sizes=GLORIA_SIZES)


def test_inter_area_is_opencv_s():
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not part of the reference environment: its rule is compared as it is written here")
    rng = np.random.default_rng(5)
    for i in range(300):
        w, h, longer = (int(v) for v in rng.integers(10, 300, 3))
        ratio = longer / max(w, h)
        if i % 5 == 0:
            w, h, ratio = w * (1 + i % 3), h * (1 + i % 3), 1 / (1 + i % 3)
        width, height = max(1, int(w * ratio)), max(1, int(h * ratio))
        image = rng.integers(0, 256, (h, w)).astype(np.uint8)
        assert np.array_equal(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), inter_area(image, width, height)), (w, h, width, height)


def test_refused():
    good = dict(color="first", pad="crop-square", float_resize="skimage", filter="bilinear", channels=1, width=40, height=40, **PLAIN)
    for words, text in [(dict(filter="bicubic"), "goes with filter: bilinear"), (dict(float_from=30), "float_from belongs to"),
                        (dict(float_resize="none"), "pad: crop-square belongs to"), (dict(levels="min-max"), "goes with filter: bilinear"),
                        (dict(color="RGB", channels=1), "RGB needs 3"), (dict(float_resize="none", pad="none", filter="area"), "area belongs to")]:
        with pytest.raises(Refused, match=text):
            Pipeline(**good | words)


def test_counts(capsys):
    """Not a test: says how much was compared."""
    with capsys.disabled():
        print("\nfloat pipelines, pictures and largest difference: " + "; ".join(f"{k}: {n}, {w:.1e}" for k, (n, w) in COUNTS.items()))
