# SPDX-License-Identifier: BSD-3-Clause
"""Protects: pictures, against Pillow, NumPy and torchvision: decoded pixels, the resized uint8 picture, the float input.

The property is equality: pixels and resized pictures byte for byte, float inputs bit for bit. The cases are made
here from seeds. Each test was seen to fail with a fault planted: CMYK not inverted, weights cut instead of rounded,
another cubic, Pillow 13's rule for the order of passes with a factor off, v / 255 for v * (1 / 255), the paste position
rounded up, luma without its half, two orientations exchanged, EXIF not read, 2-bit grey not spread, left-over bytes and
a lost end marker let pass, the part of a PNG behind its rows not read, palette indices not checked.
"""
import ctypes as C
import io
import os
import pathlib
import random
import struct
import subprocess
import warnings
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from medprobe_lib import BUILD, ROOT, Error, lib

MODES = ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"]
COUNTS = {}


def count(what, n=1):
    COUNTS[what] = COUNTS.get(what, 0) + n


# ------------------------------------------------------------------------------------------------ medprobe


class Picture(C.Structure):
    """struct mdp_picture"""
    _fields_ = [("mode", C.c_int), ("width", C.c_size_t), ("height", C.c_size_t), ("channels", C.c_size_t),
                ("pixels", C.c_void_p), ("palette", C.c_uint8 * 4 * 256), ("palette_size", C.c_size_t),
                ("orientation", C.c_uint8)]


class Pipeline(C.Structure):
    """struct mdp_pipeline"""
    _fields_ = [("name", C.c_char * 64), ("color", C.c_int), ("grey16", C.c_int), ("orientation", C.c_int), ("levels", C.c_int),
                ("pad", C.c_int), ("pad_min", C.c_size_t), ("shorter_side", C.c_size_t), ("resize_width", C.c_size_t),
                ("resize_height", C.c_size_t), ("longer_side", C.c_size_t), ("fill", C.c_size_t), ("crop_offset", C.c_int), ("width", C.c_size_t), ("height", C.c_size_t),
                ("filter", C.c_int), ("resize_order", C.c_int), ("rescale", C.c_int), ("float_resize", C.c_int),
                ("float_from", C.c_size_t), ("channels", C.c_size_t), ("mean", C.c_double * 3), ("std", C.c_double * 3)]


class Refused(Exception):
    pass


def check(status, error):
    if status:
        raise Refused(error.message.decode("utf-8", "replace"))


class Decoded:
    """A picture as medprobe decodes it."""

    def __init__(self, data):
        self.struct = Picture()
        error = Error()
        check(lib().mdp_picture_decode(data, C.c_size_t(len(data)), b"x", None, C.byref(self.struct), C.byref(error)),
              error)

    def __del__(self):
        if self.struct.pixels:
            lib().mdp_picture_release(C.byref(self.struct))

    @property
    def mode(self):
        return MODES[self.struct.mode]

    @property
    def pixels(self):
        p = self.struct
        kind = C.c_uint16 if self.mode == "I;16" else C.c_uint8
        flat = np.ctypeslib.as_array(C.cast(p.pixels, C.POINTER(kind)), (p.height * p.width * p.channels,))
        return flat.reshape((p.height, p.width) + ((p.channels,) if p.channels > 1 else ()))


def make_pipeline(**words):
    sizes = {key: words.pop(key) for key in ("shorter_side", "resize_width", "resize_height", "float_from") if key in words}
    pipeline = Pipeline(pad_min=words.pop("pad_min", 1), width=words.pop("width", 224), height=words.pop("height", 224),
                        channels=words.pop("channels", 1), **sizes)
    pipeline.mean[:] = words.pop("mean", [0.5862785803043838] * 3)
    pipeline.std[:] = words.pop("std", [0.27950088968644304] * 3)
    error = Error()
    for key, word in words.items():
        check(lib().mdp_pipeline_set(C.byref(pipeline), key.encode(), word.encode(), C.byref(error)), error)
    return pipeline


def test_struct_as_in_c():
    """A word is stored where this file's mirror of struct mdp_pipeline has its key (one field moved was seen)."""
    words_of = lib().mdp_pipeline_words
    words_of.restype = C.POINTER(C.c_char_p)
    for key in ("color", "grey16", "orientation", "levels", "pad", "crop_offset", "filter", "resize_order", "rescale", "float_resize"):
        words = words_of(key.encode())
        for value in range(16):
            if words[value] is None:
                break
            assert getattr(make_pipeline(**{key: words[value].decode()}), key) == value
        assert value >= 2
        count("words", value)


def run_resize(pipeline, picture):
    height, width = (pipeline.float_from or pipeline.height, pipeline.float_from or pipeline.width)
    out = np.zeros((height, width) + ((3,) if pipeline.color in (1, 2) else ()), np.uint8)
    error = Error()
    check(lib().mdp_pipeline_resize(C.byref(pipeline), C.byref(picture.struct), out.ctypes.data_as(C.c_void_p),
                                    C.byref(error)), error)
    return out


def run_pipeline(pipeline, picture):
    out = np.zeros((pipeline.channels, pipeline.height, pipeline.width), np.float32)
    error = Error()
    check(lib().mdp_pipeline_run(C.byref(pipeline), C.byref(picture.struct), out.ctypes.data_as(C.c_void_p),
                                 C.byref(error)), error)
    return out


# -------------------------------------------------------------------------------------------------- Pillow


def pillow(data):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = Image.open(io.BytesIO(data), formats=["JPEG", "PNG"])
        image.load()
    return image


def pillow_pixels(image):
    return np.asarray(image).astype(np.uint8) * 255 if image.mode == "1" else np.asarray(image)


def pillow_accepts(data):
    try:
        return pillow(data)
    except Exception:  # whatever Pillow raises is a refusal
        return None


def same_picture(data, what):
    ours, theirs = Decoded(data), pillow(data)
    assert ours.mode == theirs.mode, what
    assert (ours.struct.width, ours.struct.height) == theirs.size, what
    mine, other = ours.pixels, pillow_pixels(theirs)
    assert np.array_equal(mine, other), (
        f"{what}: {np.count_nonzero(mine != other)} of {mine.size} samples differ, at most by "
        f"{np.abs(mine.astype(int) - other.astype(int)).max()}")
    assert ours.struct.orientation == orientation_of(theirs), what
    return ours, theirs


def orientation_of(image):
    value = image.getexif().get(0x0112, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


# ------------------------------------------------------------------------------------------- making files


def content(rng, width, height, channels, top=255):
    """Waves and noise: every frequency, both ends of the range."""
    y, x = np.mgrid[0:height, 0:width]
    planes = []
    for _ in range(channels):
        wave = np.sin(x * rng.uniform(0.01, 1.5) + rng.uniform(0, 6)) * np.cos(y * rng.uniform(0.01, 1.5))
        noise = rng.normal(0, rng.choice([0.02, 0.3, 1.0]), wave.shape)
        planes.append(np.clip((wave + noise) * 0.6 + 0.5, 0, 1) * top)
    return np.rint(np.stack(planes, -1)).astype(np.uint16 if top > 255 else np.uint8)


def jpeg(samples, source, coded, sampling, quality=90, *options):
    height, width = samples.shape[:2]
    command = [str(BUILD / "tools/make_jpeg"), str(width), str(height), source, coded, sampling, str(quality), *options]
    return subprocess.run(command, input=samples.tobytes(), stdout=subprocess.PIPE, check=True).stdout


def with_segment(data, marker, payload):
    """A JPEG with one more segment right after its start."""
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload + data[2:]


def tiff(orientation, big=False, kind=3, entries_before=0):
    """The TIFF block of an EXIF segment with an orientation tag."""
    e = ">" if big else "<"
    value = struct.pack(e + "HH", orientation, 0) if kind == 3 else struct.pack(e + "I", orientation)
    entries = [struct.pack(e + "HHI4s", 0x0100 + i, 3, 1, b"\1\0\0\0") for i in range(entries_before)]
    entries.append(struct.pack(e + "HHI4s", 0x0112, kind, 1, value))
    return (b"MM\0*" if big else b"II*\0") + struct.pack(e + "IH", 8, len(entries)) + b"".join(entries) + bytes(4)


def chunk(kind, payload=b"", crc=None):
    crc = zlib.crc32(kind + payload) if crc is None else crc
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", crc)


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def packed_rows(samples, depth, rng):
    """Rows of one pass with a random filter each: uint [h, w, c] -> bytes."""
    height, width, channels = samples.shape
    if depth == 16:
        rows = samples.astype(">u2").reshape(height, -1).view(np.uint8)
    elif depth == 8:
        rows = samples.astype(np.uint8).reshape(height, -1)
    else:
        bits = (samples.reshape(height, -1, 1) >> np.arange(depth - 1, -1, -1)) & 1
        rows = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    step = max(1, channels * depth // 8)
    above = np.zeros(rows.shape[1], int)
    out = []
    for row in rows.astype(int):
        left = np.concatenate([np.zeros(step, int), row[:-step] if row.size > step else row[:0]])[: row.size]
        corner = np.concatenate([np.zeros(step, int), above[:-step] if row.size > step else above[:0]])[: row.size]
        p = left + above - corner
        pa, pb, pc = abs(p - left), abs(p - above), abs(p - corner)
        paeth = np.where((pa <= pb) & (pa <= pc), left, np.where(pb <= pc, above, corner))
        kind = int(rng.integers(0, 5))
        guess = [0, left, above, (left + above) // 2, paeth][kind]
        out.append(bytes([kind]) + ((row - guess) & 255).astype(np.uint8).tobytes())
        above = row
    return b"".join(out)


def png(samples, depth, colour, rng, interlaced=False, before=(), after=(), pieces=1, tail=b""):
    """samples: uint [h, w, c]."""
    height, width = samples.shape[:2]
    if interlaced:
        passes = [samples[y0::dy, x0::dx] for x0, y0, dx, dy in ADAM7]
        raw = b"".join(packed_rows(p, depth, rng) for p in passes if p.size)
    else:
        raw = packed_rows(samples, depth, rng)
    stream = zlib.compress(raw, 6)
    cuts = [len(stream) * i // pieces for i in range(pieces + 1)]
    data = [chunk(b"IDAT", stream[a:b]) for a, b in zip(cuts, cuts[1:])]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced)))
    return b"".join([b"\x89PNG\r\n\x1a\n", header, *before, *data, *after, chunk(b"IEND"), tail])


# ---------------------------------------------------------------------------------------- decoding, equal

SIZES = [(1, 1), (2, 3), (5, 7), (8, 8), (9, 17), (16, 16), (33, 15), (64, 48), (1, 100), (100, 1), (131, 97)]
JPEGS = [
    ("grey", "grey", ["1x1", "2x2", "3x1"]),
    ("rgb", "ycc", ["1x1,1x1,1x1", "2x1,1x1,1x1", "2x2,1x1,1x1", "1x2,1x1,1x1", "4x1,1x1,1x1", "4x2,1x1,1x1",
                    "2x2,2x1,1x2", "1x1,2x2,1x1", "1x4,1x1,1x1"]),
    ("rgb", "rgb", ["1x1,1x1,1x1", "2x2,1x1,1x1"]),
    ("cmyk", "cmyk", ["1x1,1x1,1x1,1x1", "2x2,1x1,1x1,2x2"]),
    ("cmyk", "ycck", ["1x1,1x1,1x1,1x1", "2x2,1x1,1x1,2x2", "2x1,1x1,1x1,2x1"]),
]
WAYS = [(), ("progressive",), ("arithmetic",), ("arithmetic", "progressive"), ("separate",), ("restart=2",),
        ("progressive", "restart=1"), ("no-markers",)]


@pytest.mark.parametrize("source,coded,samplings", JPEGS, ids=[f"{a}-{b}" for a, b, _ in JPEGS])
def test_jpeg(source, coded, samplings):
    rng = np.random.default_rng(3)
    channels = {"grey": 1, "rgb": 3, "cmyk": 4}[source]
    for sampling in samplings:
        for way in WAYS:
            for width, height in SIZES if way == () else [SIZES[i] for i in rng.choice(len(SIZES), 3, False)]:
                quality = int(rng.choice([10, 50, 75, 90, 100]))
                data = jpeg(content(rng, width, height, channels), source, coded, sampling, quality, *way)
                same_picture(data, f"{coded} {sampling} {way} {width}x{height} q{quality}")
                count("JPEG decoded")


def test_jpeg_written_by_pillow():
    rng = np.random.default_rng(4)
    for i in range(60):
        width, height = int(rng.integers(1, 90)), int(rng.integers(1, 90))
        mode, channels = [("L", 1), ("RGB", 3), ("CMYK", 4)][i % 3]
        samples = content(rng, width, height, channels)
        image = Image.frombytes(mode, (width, height), samples.tobytes())
        out = io.BytesIO()
        options = {"quality": int(rng.integers(1, 101)), "subsampling": int(rng.integers(0, 3)),
                   "progressive": bool(i % 2), "optimize": bool(i % 5), "restart_marker_rows": i % 3}
        if mode == "RGB" and i % 4 == 0:
            options |= {"keep_rgb": True, "subsampling": 0}
        image.save(out, "JPEG", **options)
        same_picture(out.getvalue() + (b"rubbish" if i % 2 else b""), str(options))
        count("JPEG decoded")


PNGS = [(c, d) for c, depths in {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}.items()
        for d in depths]


@pytest.mark.parametrize("colour,depth", PNGS)
def test_png(colour, depth):
    rng = np.random.default_rng(100 * colour + depth)
    for width, height in SIZES:
        for interlaced in (False, True):
            for transparent in (False, True):
                top = 2**depth - 1
                samples = rng.integers(0, top + 1, (height, width, CHANNELS[colour])).astype(np.uint16)
                before = []
                if colour == 3:
                    before.append(chunk(b"PLTE", rng.integers(0, 256, 3 * (top + 1), np.uint8).tobytes()))
                if transparent and colour in (0, 2, 3):
                    n = {0: 2, 2: 6, 3: int(rng.integers(1, top + 2))}[colour]
                    before.append(chunk(b"tRNS", bytes(n) if colour != 3 else rng.bytes(n)))
                if rng.random() < 0.3:
                    before.append(chunk(b"gAMA", struct.pack(">I", 45455)))
                    before.append(chunk(b"prVt", b"private"))
                after = [chunk(b"tEXt", b"Comment\0late")] if rng.random() < 0.3 else []
                data = png(samples, depth, colour, rng, interlaced, before, after, int(rng.integers(1, 4)),
                           b"rubbish" if rng.random() < 0.3 else b"")
                ours, theirs = same_picture(data, f"{width}x{height} {interlaced} {transparent}")
                if colour == 3:
                    palette = np.ctypeslib.as_array(ours.struct.palette)[: ours.struct.palette_size, :3]
                    want = np.asarray(theirs.getpalette("RGB"), np.uint8).reshape(-1, 3)
                    assert np.array_equal(palette[: len(want)], want[: len(palette)])
                count("PNG decoded")


def test_orientation():
    rng = np.random.default_rng(5)
    plain = jpeg(content(rng, 9, 5, 3), "rgb", "ycc", "1x1,1x1,1x1")
    grey = content(rng, 9, 5, 1)
    for value in (*range(0, 10), 257, 65535):
        for big in (False, True):
            for before in (0, 3):
                block = tiff(value, big, 3, before)
                same_picture(with_segment(plain, 0xE1, b"Exif\0\0" + block), f"orientation {value}")
                same_picture(png(grey, 8, 0, rng, before=[chunk(b"eXIf", block)]), f"orientation {value}")
                same_picture(png(grey, 8, 0, rng, after=[chunk(b"eXIf", block)]), f"orientation {value}")
                count("EXIF orientations", 3)
    same_picture(with_segment(plain, 0xE1, b"Exif\0\0" + tiff(6, kind=4)), "LONG")


@pytest.mark.parametrize("block", [b"", b"II", b"II*\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"XX*\0\0\0\0\0\0",
                                   b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0", tiff(3)[:-6], tiff(3, True)[:-8]])
def test_hostile_exif(block):
    """Never an error of ours: a picture whose EXIF block is broken is upright."""
    plain = jpeg(content(np.random.default_rng(5), 9, 5, 1), "grey", "grey", "1x1")
    assert Decoded(with_segment(plain, 0xE1, b"Exif\0\0" + block)).struct.orientation in (1, 3)


def test_mode_conversion_and_turning():
    """Every mode to L and RGB, upright or not, against convert() and exif_transpose()."""
    rng = np.random.default_rng(6)
    for colour, depth in PNGS:
        top = 2**depth - 1
        samples = rng.integers(0, top + 1, (11, 7, CHANNELS[colour])).astype(np.uint16)
        if depth == 16:
            samples[::2] //= 200
        palette = [chunk(b"PLTE", rng.bytes(3 * (top + 1)))] if colour == 3 else []
        for turned in range(1, 9):
            data = png(samples, depth, colour, rng, before=palette + [chunk(b"eXIf", tiff(turned))])
            compare_conversions(data)
    for turned in range(1, 9):
        for source, coded, sampling in [("cmyk", "ycck", "1x1,1x1,1x1,1x1"), ("rgb", "ycc", "2x2,1x1,1x1")]:
            data = jpeg(content(rng, 7, 11, 4 if source == "cmyk" else 3), source, coded, sampling)
            compare_conversions(with_segment(data, 0xE1, b"Exif\0\0" + tiff(turned)))


def compare_conversions(data):
    ours, theirs = Decoded(data), pillow(data)
    for mode in ("L", "RGB"):
        for turn in (False, True):
            want = (ImageOps.exif_transpose(theirs) if turn else theirs).convert(mode)
            got = run_resize(make_pipeline(color=mode, grey16="clip", orientation="apply" if turn else "ignore",
                                           width=want.width, height=want.height, filter="bilinear"), ours)
            assert np.array_equal(got, np.asarray(want)), (theirs.mode, mode, turn)
            count("mode conversions")


@pytest.mark.parametrize("grey16,bits", [("10-bit", 10), ("12-bit", 12), ("14-bit", 14), ("16-bit", 16), ("auto", None)])
def test_grey16(grey16, bits):
    rng = np.random.default_rng(7)
    for top in (0, 1, 200, 255, 256, 1000, 1023, 1024, 4095, 4096, 10000, 16383, 16384, 65535):
        samples = rng.integers(0, top + 1, (20, 30, 1)).astype(np.uint16)
        samples[0, 0] = top
        depth = bits or next(b for b in (8, 10, 12, 14, 16) if top < 2**b)
        want = np.floor(np.minimum(samples[..., 0], 2**depth - 1) * 255.0 / (2**depth - 1) + 0.5)
        got = run_resize(make_pipeline(grey16=grey16, width=30, height=20), Decoded(png(samples, 16, 0, rng)))
        assert np.array_equal(got, want.astype(np.uint8)), top
        count("16-bit policies")


# ----------------------------------------------------------------------------------------------- resizing

FILTERS = [Image.BILINEAR, Image.BICUBIC, Image.LANCZOS]


def two_passes(image, size, method):
    """Horizontal first, as Pillow did before 13."""
    return image.resize((size[0], image.height), method).resize(size, method)


def resize(array, size, method, order):
    height, width, channels = array.shape
    out = np.zeros((size[1], size[0], channels), np.uint8)
    error = Error()
    check(lib().mdp_resize(array.ctypes.data_as(C.c_void_p), *(C.c_size_t(v) for v in (width, height, channels)),
                           FILTERS.index(method), order, out.ctypes.data_as(C.c_void_p),
                           *map(C.c_size_t, size), C.byref(error)), error)
    return out


def one_resize(rng, width, height, size, channels, method, order):
    array = content(rng, width, height, channels)
    if rng.random() < 0.3:
        array = np.where(array > 127, 255, 0).astype(np.uint8)  # edges: overshoot that must be clipped
    image = Image.fromarray(array[..., 0] if channels == 1 else array, {1: "L", 3: "RGB", 4: "CMYK"}[channels])
    want = image.resize(size, method) if order else two_passes(image, size, method)
    got = resize(array, size, method, order)
    assert np.array_equal(got, np.asarray(want).reshape(got.shape)), (width, height, size, channels, method, order)
    count("resizes")


@pytest.mark.parametrize("method", FILTERS)
@pytest.mark.parametrize("order", [0, 1])
def test_resize(method, order):
    rng = np.random.default_rng(8)
    sides = [1, 2, 3, 5, 17, 64, 100, 223, 224, 225, 301]
    for _ in range(150):
        width, height, new_width, new_height = (int(v) for v in rng.choice(sides, 4))
        one_resize(rng, width, height, (new_width, new_height), int(rng.choice([1, 3, 4])), method, order)
    for width, height, size in [(3000, 17, (224, 224)), (17, 3000, (224, 224)), (1, 1, (224, 224)), (2048, 2500, (224, 224)),
                                (3000, 1, (1, 7)), (1, 3000, (7, 1)), (40000, 3, (5, 2)), (3, 40000, (2, 5))]:
        one_resize(rng, width, height, size, 1, method, order)


# ---------------------------------------------------------------------------------------------- pipelines

MEAN, STD = 0.5862785803043838, 0.27950088968644304


def medclip_pad(image):
    """What MedCLIP's processor and data sets do first."""
    side = max(224, *image.size)
    canvas = Image.new("L", (side, side), 0)
    canvas.paste(image, (int((side - image.width) / 2), int((side - image.height) / 2)))
    return canvas


def processor_input(image):
    """MedCLIPProcessor with transformers 4.24: bicubic, then NumPy in float32 throughout."""
    resized = medclip_pad(image).resize((224, 224), Image.BICUBIC)
    unit = np.asarray(resized).astype(np.float32) * (1 / 255.0)
    value = (unit - np.array(MEAN).astype(unit.dtype)) / np.array(STD).astype(unit.dtype)
    assert value.dtype == np.float32
    return np.asarray(resized), value


def eval_input(image):
    """ZeroShotImageDataset: torchvision on PIL pictures."""
    from torchvision import transforms
    resized = transforms.Resize((224, 224))(medclip_pad(image))
    value = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean=[MEAN], std=[STD])])(resized)
    return np.asarray(resized), value.numpy()[0]


MEDCLIP = {
    "processor": (processor_input, dict(filter="bicubic", rescale="multiply")),
    "eval": (eval_input, dict(filter="bilinear", rescale="divide")),
}


def any_picture(rng, i):
    """Files of every kind and of many shapes."""
    width, height = [(int(rng.integers(1, 500)), int(rng.integers(1, 500))), (224, 224), (3000, 17), (17, 1800), (1, 1),
                     (224, 223), (int(rng.integers(200, 700)),) * 2][i % 7]
    kind = i % 12
    if kind < 5:
        source, coded, sampling = [("grey", "grey", "1x1"), ("rgb", "ycc", "2x2,1x1,1x1"), ("rgb", "ycc", "2x1,1x1,1x1"),
                                   ("cmyk", "ycck", "1x1,1x1,1x1,1x1"), ("grey", "grey", "1x1")][kind]
        samples = content(rng, width, height, {"grey": 1, "rgb": 3, "cmyk": 4}[source])
        return jpeg(samples, source, coded, sampling, 90, *(("progressive",) if kind == 4 else ()))
    colour, depth = PNGS[int(rng.integers(0, len(PNGS)))]
    samples = content(rng, width, height, CHANNELS[colour], 65535) >> (16 - depth)
    before = [chunk(b"PLTE", rng.bytes(3 * 2**depth))] if colour == 3 else []
    return png(samples, depth, colour, rng, bool(i % 2), before)


@pytest.mark.parametrize("name", MEDCLIP)
def test_medclip_pipelines(name):
    reference, words = MEDCLIP[name]
    pipeline = make_pipeline(pad="square-black", pad_min=224, grey16="clip", channels=3, **words)
    rng = np.random.default_rng(9)
    worst = 0
    for i in range(168):
        data = any_picture(rng, i)
        picture, image = Decoded(data), pillow(data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            resized, value = reference(image)
        what = (i, image.mode, image.size)
        assert np.array_equal(run_resize(pipeline, picture), resized), what
        got = run_pipeline(pipeline, picture)
        assert np.array_equal(got[0], got[1]) and np.array_equal(got[0], got[2])
        worst = max(worst, int(np.abs(got[0].view(np.int32) - value.view(np.int32)).max()))
        assert worst == 0, what
        count(f"MedCLIP {name} inputs")
    COUNTS["largest difference of a float input, ulp"] = max(worst, COUNTS.get("largest difference of a float input, ulp", 0))


def test_rgb_pipeline():
    """Another tower's pipeline: RGB, squashed, three means; torchvision with Pillow's own order of passes."""
    from torchvision import transforms
    mean, std = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
    finish = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    rng = np.random.default_rng(10)
    for i in range(84):
        data = any_picture(rng, i)
        picture, image = Decoded(data), pillow(data)
        size = [(224, 224), (96, 160), (336, 300)][i % 3]
        for order in ("horizontal-first", "pillow13"):
            pipeline = make_pipeline(color="RGB", grey16="clip", filter="bicubic", resize_order=order, channels=3,
                                     width=size[0], height=size[1], mean=mean, std=std)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                rgb = image.convert("RGB")
            resize_whole = transforms.Resize(size[::-1], transforms.InterpolationMode.BICUBIC)
            want = resize_whole(rgb) if order == "pillow13" else two_passes(rgb, size, Image.BICUBIC)
            assert np.array_equal(run_resize(pipeline, picture), np.asarray(want)), (i, image.mode, image.size, order)
            assert np.array_equal(run_pipeline(pipeline, picture), finish(want).numpy()), (i, order)
            count("RGB inputs")


# ---------------------------------------------------------------------------------------- damaged and hostile


def small_files(rng):
    for options in [(), ("progressive",), ("restart=2",), ("arithmetic",)]:
        yield jpeg(content(rng, 40, 30, 3), "rgb", "ycc", "2x2,1x1,1x1", 80, *options)
    yield jpeg(content(rng, 40, 30, 1), "grey", "grey", "1x1", 80)
    for i, (colour, depth) in enumerate(PNGS):
        samples = rng.integers(0, 2**depth, (9, 11, CHANNELS[colour])).astype(np.uint16)
        before = [chunk(b"PLTE", rng.bytes(3 * 2**depth))] if colour == 3 else []
        yield png(samples, depth, colour, rng, bool(i % 2), before, [chunk(b"tEXt", b"a\0b")], 2)


def decode_or_reason(data):
    try:
        return Decoded(data), ""
    except Refused as refused:
        assert "\n" not in str(refused) and str(refused).startswith("x: ")
        return None, str(refused)


def test_truncated():
    """No beginning of a file is taken for a picture."""
    for data in small_files(np.random.default_rng(11)):
        for n in range(len(data)):
            ours, _ = decode_or_reason(data[:n])
            assert ours is None, (n, len(data))
            count("truncated files refused")


def test_damaged():
    """After a flipped bit: refused by us, or the same pixels from both. Never a picture that Pillow refuses."""
    rng = np.random.default_rng(12)
    for data in small_files(rng):
        for _ in range(120):
            broken = bytearray(data)
            broken[int(rng.integers(0, len(data)))] ^= 1 << int(rng.integers(0, 8))
            ours, _ = decode_or_reason(bytes(broken))
            theirs = pillow_accepts(bytes(broken))
            if ours is not None:
                assert theirs is not None
                assert ours.mode == theirs.mode and np.array_equal(ours.pixels, pillow_pixels(theirs))
            kind = "both refuse" if ours is None and theirs is None else "only we refuse" if ours is None else "equal"
            count(f"damaged files: {kind}")


def test_refused_though_pillow_reads():
    """The list of docs/PICTURES.md: what Pillow accepts and we refuse, each with the reason we give."""
    rng = np.random.default_rng(13)
    grey = rng.integers(0, 256, (8, 8, 1)).astype(np.uint16)
    file = png(grey, 8, 0, rng)
    index = rng.integers(0, 200, (8, 8, 1)).astype(np.uint16)
    end = len(file) - 12
    stream = zlib.compress(packed_rows(grey, 8, rng))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    start = b"\x89PNG\r\n\x1a\n" + header
    whole = jpeg(content(rng, 40, 30, 3), "rgb", "ycc", "1x1,1x1,1x1", 80)
    damaged = jpeg(content(rng, 40, 30, 3), "rgb", "ycc", "1x1,1x1,1x1", 80, "restart=1")
    progressive = jpeg(content(rng, 40, 30, 3), "rgb", "ycc", "1x1,1x1,1x1", 80, "progressive")
    separate = jpeg(content(rng, 40, 30, 3), "rgb", "ycc", "1x1,1x1,1x1", 80, "separate")
    cases = {
        "a checksum of picture data is wrong": (start + chunk(b"IDAT", stream, 1) + chunk(b"IEND"), "IDAT: CRC error"),
        "a checksum after the picture is wrong": (file[:end] + chunk(b"tEXt", b"a\0b", 1) + file[end:], "tEXt: CRC error"),
        "no end chunk": (file[:end], "truncated"),
        "more picture data than rows": (start + chunk(b"IDAT", zlib.compress(packed_rows(grey, 8, rng) + bytes(9))) +
                                        chunk(b"IEND"), "IDAT"),
        "no palette": (png(index, 8, 3, rng), "PLTE"),
        "a colour outside the palette": (png(index, 8, 3, rng, before=[chunk(b"PLTE", bytes(30))]), "of a palette of 10"),
        "bytes left over before the end marker": (whole[:-2] + b"left over" + whole[-2:], "extraneous bytes"),
        "the last scan is missing": (progressive[: progressive.rindex(b"\xff\xc4")] + progressive[-2:], "cut short"),
        "a component has no scan": (separate[: separate.rindex(b"\xff\xda")] + separate[-2:], "cut short"),
        "no end marker": (whole[:-2] + b"rubbish" * 100, "truncated"),
        "a lost restart marker": (damaged.replace(b"\xff\xd1", b"\xff\xd2", 1), "damaged"),
    }
    same_picture(whole[:-2] + b"ab" + whole[-2:], "two bytes of padding are harmless")
    for what, (data, reason) in cases.items():
        assert pillow_accepts(data) is not None, what
        ours, text = decode_or_reason(data)
        assert ours is None and reason in text, (what, text)


def test_hostile_headers():
    """Both refuse; we before any memory of that size is asked for."""
    rng = np.random.default_rng(14)
    grey = content(rng, 8, 8, 1)
    small = jpeg(grey, "grey", "grey", "1x1")
    sof = small.index(b"\xff\xc0")

    def with_size(height, width, precision=8):
        return small[: sof + 4] + struct.pack(">BHH", precision, height, width) + small[sof + 9:]

    def promised(width, height, depth=8, colour=0, rest=(0, 0, 0)):
        return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, *rest)) +
                chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND"))

    cases = [with_size(65500, 65500), with_size(0, 8), with_size(8, 0), with_size(8, 8, 12), promised(2**31 - 1, 2**31 - 1),
             promised(0, 5), promised(60000, 60000), promised(5, 5, 3), promised(5, 5, 8, 5), promised(5, 5, 8, 0, (0, 1, 0)),
             b"", b"\xff", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"\xff\xd8\xff\xd9", rng.bytes(1000)]
    for data in cases:
        ours, text = decode_or_reason(data)
        assert ours is None and pillow_accepts(data) is None, text
        count("hostile headers refused")


# --------------------------------------------------------------------------------------------- real pictures


def real_files():
    root = pathlib.Path(os.environ.get("MEDPROBE_TEST_DATA", ROOT.parent / "shared/data"))
    if not root.is_dir():
        pytest.skip(f"no test data in {root} (set MEDPROBE_TEST_DATA)")
    files = sorted(p for p in root.rglob("*") if p.suffix.lower() in (".png", ".jpg", ".jpeg") and p.is_file())
    return random.Random(15).sample(files, min(60, len(files)))


def test_real_pictures():
    pipeline = make_pipeline(pad="square-black", pad_min=224, grey16="clip", channels=3, **MEDCLIP["processor"][1])
    for path in real_files():
        picture, image = same_picture(path.read_bytes(), path.name)
        resized, value = processor_input(image)
        assert np.array_equal(run_resize(pipeline, picture), resized), path
        assert np.array_equal(run_pipeline(pipeline, picture)[2], value), path
        count("real pictures")


def test_counts(capsys):
    """Not a test: says how much was compared."""
    with capsys.disabled():
        print("\npictures: " + "; ".join(f"{name}: {n}" for name, n in COUNTS.items()))
