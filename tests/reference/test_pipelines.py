# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the pipelines of every system, from decoded pixels to the tower's input, beside the publisher's own code: OpenAI's and
open_clip's transforms, the slow image processors of transformers, CheXzero's two stages, BioViL's transforms, LLaVA's square.

Equality: 8-bit pictures byte for byte; float inputs to the last bit, where the reference resizes floats within 2e-5 of values up
to 3 (torch's vector code orders sums otherwise). Pillow here is 13, whose passes may come in another order than `horizontal-first`:
the pipelines run with resize_order pillow13; the other order is compared in test_pictures.

Planted, for good: crops with the other rounding, and RGB before instead of after the resize, differ (test_wrong_rules_are_seen)."""
import io

import clip.clip
import numpy as np
import open_clip
import pytest
import torch
import torchvision.transforms as T
import transformers as hf
from PIL import Image

from test_pictures import Decoded, make_pipeline, run_pipeline, run_resize

SIZES = [(300, 260), (260, 301), (224, 224), (97, 353), (31, 40), (225, 226), (500, 113), (1, 7), (640, 480)]
MODES = ("L", "RGB", "RGBA", "LA", "P", "1")
OPENAI_MEAN, OPENAI_STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]


def png(mode, size, seed):
    """A PNG of soft shapes and noise, its alpha varied."""
    random = np.random.default_rng(seed)
    w, h = size
    y, x = np.mgrid[0:h, 0:w]
    planes = [np.clip(random.normal(120, 30, (h, w)) + 90 * np.sin(x / random.uniform(3, 40)) * np.cos(y / random.uniform(3, 40)), 0, 255)
              for _ in range({"L": 1, "RGB": 3, "RGBA": 4, "LA": 2, "P": 1, "1": 1}[mode])]
    pixels = np.stack(planes, -1).astype(np.uint8)
    if mode in ("RGBA", "LA"):
        pixels[:h // 3, :, -1] = 0
        pixels[h // 2:, :, -1] = 255
    if mode == "P":
        image = Image.fromarray(pixels[..., 0] % 64, "P")
        image.putpalette(random.integers(0, 256, 192).astype(np.uint8).tobytes())
    elif mode == "1":
        image = Image.fromarray(pixels[..., 0]).convert("1")
    else:
        image = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels, mode)
    out = io.BytesIO()
    image.save(out, "png")
    return out.getvalue()


def cases(modes=MODES):
    return [(mode, png(mode, size, 31 * i)) for i, size in enumerate(SIZES) for mode in modes]


def opened(data):
    return Image.open(io.BytesIO(data))


def compare(pipeline, reference, modes=MODES, exact=True, bound=0.0):
    worst, n = 0.0, 0
    for mode, data in cases(modes):
        ours, theirs = run_pipeline(pipeline, Decoded(data)), np.asarray(reference(opened(data)), np.float32)
        assert ours.shape == theirs.shape
        worst, n = max(worst, float(np.abs(ours - theirs).max())), n + 1
        if exact:
            assert np.array_equal(ours, theirs), (mode, opened(data).size)
    print(f"{n} pictures, largest difference {worst:.1e}")
    assert worst <= bound
    return worst


def openai(size, **words):
    return make_pipeline(**{**dict(color="RGB-after", pad="crop", shorter_side=size, width=size, height=size, filter="bicubic", rescale="divide", channels=3,
                                   mean=OPENAI_MEAN, std=OPENAI_STD, resize_order="pillow13"), **words})


@pytest.mark.parametrize("size", [224, 33])
def test_openai(size):
    transform = clip.clip._transform(size)
    compare(openai(size), lambda image: transform(image).numpy())


def test_open_clip():
    shortest = open_clip.image_transform(64, is_train=False)
    compare(openai(64), lambda image: shortest(image).numpy())
    squash = open_clip.image_transform(64, is_train=False, resize_mode="squash", mean=(0.5,) * 3, std=(0.5,) * 3)
    half = dict(pad="none", shorter_side=0, mean=[0.5] * 3, std=[0.5] * 3)
    compare(openai(64, **half), lambda image: squash(image).numpy())
    bilinear = open_clip.image_transform(64, is_train=False, interpolation="bilinear", mean=(0,) * 3, std=(1,) * 3)
    compare(openai(64, filter="bilinear", mean=[0.0] * 3, std=[1.0] * 3), lambda image: bilinear(image).numpy())


def test_torchvision_resnet():
    transform = T.Compose([lambda i: i.convert("RGB"), T.Resize(72), T.CenterCrop(64), T.ToTensor(),
                           T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])
    compare(openai(64, color="RGB", shorter_side=72, filter="bilinear", mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
            lambda image: transform(image).numpy())


def slow(processor):
    return lambda image: processor(images=image.convert("RGB"), return_tensors="np")["pixel_values"][0]


def test_transformers():
    """Slow processors. A picture of one pixel's width is left out: they take it for planes."""
    words = dict(color="RGB", crop_offset="floor", rescale="multiply-double")
    compare(openai(63, shorter_side=70, **words), slow(hf.CLIPImageProcessor(size={"shortest_edge": 70}, crop_size=63)), modes=("L", "RGB", "RGBA"))
    compare(openai(64, **{**words, "pad": "none", "shorter_side": 0, "mean": [0.5] * 3, "std": [0.5] * 3}),
            slow(hf.SiglipImageProcessor(size={"height": 64, "width": 64})), modes=("L", "RGB"))
    align = hf.EfficientNetImageProcessor(size={"height": 70, "width": 70}, crop_size={"height": 61, "width": 61}, resample=Image.BILINEAR,
                                          rescale_factor=1 / 127.5, rescale_offset=True, do_normalize=False, do_center_crop=True, include_top=False)
    compare(openai(61, **{**words, "rescale": "signed", "shorter_side": 0, "resize_width": 70, "resize_height": 70, "filter": "bilinear", "mean": [0.0] * 3,
                          "std": [1.0] * 3}), slow(align), modes=("L", "RGB"))


def test_chexzero():
    """File to 320 on black, then tensor resize of what is normalised, by torchvision 0.11's rule: no antialias."""
    def reference(image):
        image = image.convert("RGB")
        ratio = 320 / max(image.size)
        small = image.resize(tuple(int(x * ratio) for x in image.size), Image.LANCZOS)
        canvas = Image.new("L", (320, 320))
        canvas.paste(small, ((320 - small.size[0]) // 2, (320 - small.size[1]) // 2))
        x = torch.from_numpy(np.asarray(canvas, np.float32)).repeat(3, 1, 1)
        x = T.Normalize((101.48761,) * 3, (83.43944,) * 3)(x)
        return torch.nn.functional.interpolate(x[None], size=(224, 224), mode="bicubic", align_corners=False)[0].numpy()

    pipeline = openai(224, color="L-after", pad="fit-black", shorter_side=0, filter="lanczos", rescale="none", float_resize="bicubic", float_from=320,
                      mean=[101.48761] * 3, std=[83.43944] * 3)
    sizes = [data for mode, data in cases(("L", "RGB")) if min(opened(data).size) * 320 // max(opened(data).size)]
    worst = max(float(np.abs(run_pipeline(pipeline, Decoded(d)) - reference(opened(d))).max()) for d in sizes)
    print(f"{len(sizes)} pictures, largest difference {worst:.1e}")
    assert worst <= 2e-5


@pytest.mark.parametrize("side,crop", [(512, 480), (512, 448)])
def test_biovil(tmp_path, side, crop):
    from health_multimodal.image.data.io import load_image
    from health_multimodal.image.data.transforms import create_chest_xray_transform_for_inference
    transform = create_chest_xray_transform_for_inference(resize=side, center_crop_size=crop)
    pipeline = openai(crop, color="L", levels="min-max", shorter_side=side, filter="bilinear", mean=[0.0] * 3, std=[1.0] * 3)
    for mode, data in cases(("L", "RGB")):
        (tmp_path / "p.png").write_bytes(data)
        theirs = transform(load_image(tmp_path / "p.png")).numpy()
        assert np.array_equal(run_pipeline(pipeline, Decoded(data)), theirs), opened(data).size


def test_one_level_cannot_be_spread():
    out = io.BytesIO()
    Image.new("L", (40, 30), 7).save(out, "png")
    pipeline = openai(24, color="L", levels="min-max", shorter_side=24)
    with pytest.raises(Exception, match="all pixels have the same level"):
        run_pipeline(pipeline, Decoded(out.getvalue()))


def test_llava():
    """expand2square of llava/mm_utils.py, then CLIP's processor."""
    processor = slow(hf.CLIPImageProcessor(size={"shortest_edge": 56}, crop_size=56))

    def reference(image):
        image = image.convert("RGB")
        side = max(image.size)
        square = Image.new("RGB", (side, side), tuple(int(x * 255) for x in OPENAI_MEAN))
        square.paste(image, ((side - image.size[0]) // 2, (side - image.size[1]) // 2))
        return processor(square)

    compare(openai(56, color="RGB", pad="square-mean", shorter_side=0, rescale="multiply-double"), reference, modes=("L", "RGB"))


def test_corners_on_corners():
    """GLoRIA's up-sampling inside the model."""
    pipeline = openai(299, float_resize="bilinear-corners", float_from=224, pad="none", shorter_side=0, color="RGB")
    before = openai(224, pad="none", shorter_side=0, color="RGB")
    for _, data in cases(("RGB",))[:4]:
        x = torch.from_numpy(run_pipeline(before, Decoded(data)))[None]
        theirs = torch.nn.functional.interpolate(x, size=(299, 299), mode="bilinear", align_corners=True)[0].numpy()
        assert np.abs(run_pipeline(pipeline, Decoded(data)) - theirs).max() <= 2e-5


def test_other_filters():
    for name, filter in (("nearest", Image.NEAREST), ("box", Image.BOX), ("hamming", Image.HAMMING)):
        for _, data in cases(("L", "RGB")):
            pipeline = openai(50, width=37, pad="none", shorter_side=0, color="RGB", filter=name)
            assert np.array_equal(run_resize(pipeline, Decoded(data)), np.asarray(opened(data).convert("RGB").resize((37, 50), filter))), name


def test_wrong_rules_are_seen():
    data = png("RGBA", (300, 261), 5)
    right = run_resize(openai(64), Decoded(data))
    assert not np.array_equal(right, run_resize(openai(64, color="RGB"), Decoded(data)))
    odd = png("L", (300, 259), 6)
    crops = [run_resize(openai(63, shorter_side=66, crop_offset=rule), Decoded(odd)) for rule in ("floor", "half-even")]
    assert not np.array_equal(*crops)
