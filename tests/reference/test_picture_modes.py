# SPDX-License-Identifier: BSD-3-Clause
"""Protects: pipelines as keys of a card, for files of every mode and of odd shapes, against the programs that published them.

Equality: the float input bit for bit, for 1-bit, grey, 16-bit, RGB, palette, grey and RGB with alpha and CMYK pictures, one pixel wide,
smaller than the crop, tall, wide. (test_pipelines.py has the systems at their own sizes.) Order of passes is Pillow 13's, the installed one (`resize_order: pillow13`); the other order is
compared by doing Pillow's passes one by one. Each test then looks at a wrong word, which must be seen.
"""
import ctypes as C
import io
import warnings

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms
from torchvision.transforms import InterpolationMode

from medprobe_lib import Error, lib
from test_pictures import (CHANNELS, Decoded, Refused, chunk, content, jpeg, pillow, png)

torch.set_num_threads(1)
COUNTS = {}
OPENAI = dict(mean=[0.48145466, 0.4578275, 0.40821073], std=[0.26862954, 0.26130258, 0.27577711])
HALF = dict(mean=[0.5] * 3, std=[0.5] * 3)
PLAIN = dict(mean=[0], std=[1])


class Pipeline:
    """A pipeline as a card's YAML has it."""

    def __init__(self, **keys):
        keys = dict(color="RGB", grey16="clip", resize_order="pillow13", channels=3, filter="bicubic") | keys
        self.shape = keys["channels"], keys["height"], keys["width"]
        text = "p:\n" + "".join(f"  {key}: {list(v) if isinstance(v, tuple) else v}\n" for key, v in keys.items())
        self.struct, doc, error = C.create_string_buffer(4096), C.c_void_p(), Error()
        lib().mdp_yaml_root.restype = lib().mdp_yaml_find.restype = C.c_void_p
        status = lib().mdp_yaml_parse(text.encode(), C.c_size_t(len(text)), b"card", C.byref(doc), C.byref(error))
        if status == 0:
            node = lib().mdp_yaml_find(C.c_void_p(lib().mdp_yaml_root(doc)), b"p")
            status = lib().mdp_pipeline_from_yaml(doc, C.c_void_p(node), b"p", self.struct, C.byref(error))
            lib().mdp_yaml_free(doc)
        if status:
            raise Refused(error.message.decode())

    def __call__(self, picture):
        out, error = np.zeros(self.shape, np.float32), Error()
        if lib().mdp_pipeline_run(self.struct, C.byref(picture.struct), out.ctypes.data_as(C.c_void_p), C.byref(error)):
            raise Refused(error.message.decode())
        return out


SHAPES = [(1, 50), (50, 1), (3, 5), (64, 65), (97, 200), (211, 90), (23, 130), (32, 32), (33, 96), (64, 129)]


def files(seed, sizes=SHAPES, modes=None):
    """One file of every mode for every size."""
    rng = np.random.default_rng(seed)
    kinds = [(0, 1), (0, 8), (0, 16), (2, 8), (3, 8), (4, 8), (6, 8), "cmyk", "jpeg"]
    for width, height in sizes:
        for kind in kinds:
            if kind == "jpeg":
                data = jpeg(content(rng, width, height, 3), "rgb", "ycc", "2x2,1x1,1x1")
            elif kind == "cmyk":
                data = jpeg(content(rng, width, height, 4), "cmyk", "ycck", "1x1,1x1,1x1,1x1")
            else:
                colour, depth = kind
                samples = content(rng, width, height, CHANNELS[colour], 65535) >> (16 - depth)
                if depth == 16:
                    samples //= 190  # some below 256: what clips at 255 still shows something
                before = [chunk(b"PLTE", rng.bytes(3 * 2**depth))] if colour == 3 else []
                data = png(samples, depth, colour, rng, before=before)
            image = pillow(data)
            if modes is None or image.mode in modes:
                yield Decoded(data), image


def compare(name, pipeline, reference, wrong=None, seed=1, sizes=SHAPES, modes=None):
    """Every file through both, bit for bit; a pipeline with a wrong word must differ for some."""
    seen = n = 0
    for picture, image in files(seed, sizes, modes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            want = np.asarray(reference(image), np.float32)
        got = pipeline(picture)
        assert got.shape == want.shape
        assert np.array_equal(got, want), (name, image.mode, image.size, np.abs(got - want).max())
        seen += wrong is not None and not np.array_equal(wrong(picture), want)
        n += 1
    assert n > 0 and (wrong is None or seen > n // 20), (name, seen, n)
    COUNTS[name] = COUNTS.get(name, 0) + n


# ------------------------------------------------------------------------------------- shorter side and crop


@pytest.mark.parametrize("size", [32, 33])
def test_openai(size):
    """clip._transform: resized and cropped in the picture's own mode, then RGB."""
    from clip.clip import _transform
    words = dict(color="RGB-after", pad="crop", shorter_side=size, width=size, height=size, **OPENAI)
    compare("OpenAI CLIP", Pipeline(**words), _transform(size), Pipeline(**words | dict(color="RGB")))


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_open_clip_shortest(interpolation):
    from open_clip.transform import image_transform
    words = dict(color="RGB-after", filter=interpolation, **HALF)
    square = image_transform(40, False, (0.5,) * 3, (0.5,) * 3, "shortest", interpolation)
    compare("open_clip shortest", Pipeline(pad="crop", shorter_side=40, width=40, height=40, **words), square,
            Pipeline(pad="crop", shorter_side=40, width=40, height=40, **words | dict(color="RGB")))
    if interpolation == "bicubic":  # a frame that is no square is resized by this filter whatever is asked for
        wide = image_transform((30, 47), False, (0.5,) * 3, (0.5,) * 3, "shortest", interpolation)
        compare("open_clip shortest, no square", Pipeline(pad="cover", width=47, height=30, **words), wide)


def test_torchvision():
    """RGB first, resized to one side and cropped to another: ResNet-50's and many authors' way."""
    way = transforms.Compose([lambda image: image.convert("RGB"), transforms.Resize(46), transforms.CenterCrop((40, 37)),
                              transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
    words = dict(filter="bilinear", pad="crop", shorter_side=46, width=37, height=40, mean=[0.485, 0.456, 0.406],
                 std=[0.229, 0.224, 0.225])
    compare("torchvision Resize, CenterCrop", Pipeline(**words), way, Pipeline(**words | dict(crop_offset="floor")))


@pytest.mark.parametrize("crop", [(40, 40), (37, 40), (60, 57)])
def test_transformers_clip(crop):
    """CLIPImageProcessor, the slow one; with a crop larger than the resized picture, too."""
    from transformers import CLIPImageProcessor
    processor = CLIPImageProcessor(size={"shortest_edge": 43}, crop_size={"height": crop[0], "width": crop[1]})
    words = dict(pad="crop", shorter_side=43, crop_offset="floor", rescale="multiply-double", height=crop[0], width=crop[1], **OPENAI)
    compare("transformers CLIP", Pipeline(**words), lambda image: processor(image, input_data_format="channels_last")["pixel_values"][0],
            Pipeline(**words | dict(crop_offset="half-even")))


@pytest.mark.parametrize("number,name", list(enumerate(["nearest", "lanczos", "bilinear", "bicubic", "box", "hamming"])))
def test_every_filter(number, name):
    """Each of Pillow's, on the picture's own mode and on RGB, enlarging and shrinking."""
    way = [transforms.CenterCrop((37, 40)), lambda image: image.convert("RGB"), transforms.ToTensor()]

    def resized(image):
        short, size = min(image.size), 43
        w, h = (size if side == short else int(size * max(image.size) / short) for side in image.size)
        if image.width == image.height:
            w = h = size
        return image.resize((w, h), number)

    words = dict(filter=name, pad="crop", shorter_side=43, height=37, width=40, **PLAIN)
    wrong = "box" if name == "nearest" else "nearest"
    compare(f"filter {name}", Pipeline(**words | dict(color="RGB-after")), transforms.Compose([resized, *way]),
            Pipeline(**words | dict(color="RGB-after", filter=wrong)))
    compare(f"filter {name}, RGB", Pipeline(**words), transforms.Compose([lambda i: i.convert("RGB"), resized, *way]))


def test_horizontal_first():
    """The default order of passes, in the picture's own mode."""
    def resized(image):
        size = image.size
        w, h = (26, int(26 * size[1] / size[0])) if size[0] <= size[1] else (int(26 * size[0] / size[1]), 26)
        if image.mode in ("1", "P"):
            return image.resize((w, h))
        if image.mode in ("LA", "RGBA") and size != (w, h):
            small = image.convert({"LA": "La", "RGBA": "RGBa"}[image.mode])
            return small.resize((w, size[1]), Image.BICUBIC).resize((w, h), Image.BICUBIC).convert(image.mode)
        return image.resize((w, size[1]), Image.BICUBIC).resize((w, h), Image.BICUBIC)

    way = transforms.Compose([resized, transforms.CenterCrop(26), lambda i: i.convert("RGB"), transforms.ToTensor()])
    words = dict(color="RGB-after", pad="crop", shorter_side=26, width=26, height=26, **PLAIN)
    tall = SHAPES + [(30, 300), (41, 333), (60, 500), (77, 400)]
    compare("horizontal first", Pipeline(resize_order="horizontal-first", **words), way, sizes=tall)
    assert any(not np.array_equal(Pipeline(**words)(p), way(i)) for p, i in files(1, tall, ["L", "RGB"]))


# ------------------------------------------------------------------------------------------- squash and scales


@pytest.mark.parametrize("number,name", [(2, "bilinear"), (3, "bicubic")])
def test_siglip(number, name):
    from transformers import SiglipImageProcessor
    processor = SiglipImageProcessor(size={"height": 40, "width": 33}, resample=number, do_convert_rgb=True)
    words = dict(filter=name, width=33, height=40, **HALF)
    compare("SigLIP", Pipeline(**words), lambda image: processor(image, input_data_format="channels_last")["pixel_values"][0],
            Pipeline(**words | dict(color="RGB-after")))


def test_open_clip_squash():
    from open_clip.transform import image_transform
    way = image_transform(40, False, (0.5,) * 3, (0.5,) * 3, "squash", "bilinear")
    compare("open_clip squash", Pipeline(color="RGB-after", filter="bilinear", width=40, height=40, **HALF), way)


def test_align():
    """EfficientNetImageProcessor: squashed to 346, cropped to 289, v / 127.5 - 1; in a tenth of the size."""
    from transformers import EfficientNetImageProcessor
    processor = EfficientNetImageProcessor(size={"height": 46, "width": 46}, crop_size={"height": 39, "width": 39}, resample=2,
                                           do_center_crop=True, rescale_factor=1 / 127.5, rescale_offset=True,
                                           do_normalize=False, include_top=False)
    words = dict(filter="bilinear", pad="crop", resize_width=46, resize_height=46, crop_offset="floor", rescale="signed", width=39, height=39, **PLAIN)
    compare("ALIGN", Pipeline(**words), lambda image: processor(image.convert("RGB"), input_data_format="channels_last")["pixel_values"][0],
            Pipeline(**words | dict(crop_offset="half-even")))


def test_scales():
    """0..255 as it is; and the two products of 1 / 255: in float32, and in double as transformers 4.57 does."""
    words = dict(width=40, height=40, filter="bilinear", **PLAIN)
    values = transforms.Compose([lambda i: i.convert("RGB").resize((40, 40), 2), np.asarray, lambda a: a.transpose(2, 0, 1)])
    compare("0..255", Pipeline(rescale="none", **words), values)
    compare("* float32(1/255)", Pipeline(rescale="multiply", **words),
            lambda i: values(i).astype(np.float32) * np.float32(1 / 255), Pipeline(**words))
    compare("* 1/255 in double", Pipeline(rescale="multiply-double", **words), lambda i: (values(i).astype(np.float64) * (1 / 255)).astype(np.float32))


# -------------------------------------------------------------------------------------------- longest and pads


@pytest.mark.parametrize("fill,size", [(0, 40), (255, 40), (97, (33, 52))])
def test_open_clip_longest(fill, size):
    """Kept whole, padded with a grey; where it is not 0, palettes, 1-bit and CMYK pictures are left out: there it is an index, an ink."""
    from open_clip.transform import image_transform
    way = image_transform(size, False, (0.5,) * 3, (0.5,) * 3, "longest", "bicubic", fill)
    height, width = size if isinstance(size, tuple) else (size, size)
    words = dict(color="RGB-after", pad="inside", **(dict(fill=fill) if fill else {}), width=width, height=height, **HALF)
    modes = None if fill == 0 else ["L", "LA", "RGB", "RGBA", "I;16"]
    sizes = [s for s in SHAPES if s not in [(1, 50), (50, 1)]]
    compare("open_clip longest", Pipeline(**words), way, Pipeline(**{k: v for k, v in words.items() if k != "fill"} | dict(pad="fit-longer", longer_side=40)), sizes=sizes,
            modes=modes)


def test_llava():
    """mm_utils.expand2square with the mean colour, then CLIP's processor."""
    from transformers import CLIPImageProcessor
    processor = CLIPImageProcessor(size={"shortest_edge": 40}, crop_size={"height": 40, "width": 40})

    def square(image):
        image, colour = image.convert("RGB"), tuple(int(x * 255) for x in processor.image_mean)
        side = max(image.size)
        canvas = Image.new("RGB", (side, side), colour)
        canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
        return processor(canvas, input_data_format="channels_last")["pixel_values"][0]

    words = dict(pad="square-mean", width=40, height=40, **OPENAI)
    compare("LLaVA", Pipeline(**words), square, Pipeline(**words | dict(pad="square-black")))


def test_too_thin():
    """A side that comes to nothing: Pillow refuses, and so do we, with the size."""
    from open_clip.transform import image_transform
    pipeline = Pipeline(color="RGB-after", pad="inside", width=16, height=16, **HALF)
    picture, image = next(files(2, [(1, 50)], ["L"]))
    with pytest.raises(ValueError):
        image_transform(16, False, None, None, "longest")(image)
    with pytest.raises(Refused, match="1 x 50 pixels is too thin"):
        pipeline(picture)


def test_counts(capsys):
    """Not a test: says how much was compared."""
    with capsys.disabled():
        print("\npipelines, float inputs equal to the bit: " + "; ".join(f"{name}: {n}" for name, n in COUNTS.items()))
