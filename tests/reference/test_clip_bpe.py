# SPDX-License-Identifier: BSD-3-Clause
"""Protects: CLIP's tokenizer, against open_clip's SimpleTokenizer, OpenAI's and transformers' CLIPTokenizerFast: equal ids.

The merges are those that medprobe brings with it. 2,000 texts of each kind (texts_lib.py) every day; MEDPROBE_TEXTS=10000 takes more.

Planted faults, each seen: the case of 's counting; a final sigma left as it is; ties of merges taken from the right; U+0345 as a
sign of its own."""
import ctypes as c
import gzip
import json
import random
import string
import time

import clip.simple_tokenizer
import open_clip.tokenizer
import pytest
import regex
from transformers import CLIPTokenizerFast

import tokenizers_lib
from medprobe_lib import ROOT, lib
from tokenizers_lib import N, texts

L = lib()
L.mdp_char_word.argtypes, L.mdp_char_word.restype = [c.c_uint32], c.c_uint
MERGES = ROOT / "configs/vocab/bpe_simple_vocab_16e6.txt.gz"
LETTER, NUMBER, WHITE, STRIPPED = 1, 2, 4, 8


class Tokenizer(tokenizers_lib.Tokenizer):
    def __init__(self, settings="", vocab=MERGES, length=77):
        super().__init__(vocab, f"kind: clip-bpe\n{settings}", length)


def differences(ours, theirs, many):
    return [(t, ours(t), theirs(t)) for t in many if ours(t) != theirs(t)]


def open_clip_ids(tokenizer):
    """Without the padding: everything behind the first end token that is 0."""
    def ids(text):
        row = tokenizer([text])[0].tolist()
        return row[:len(row) - next(i for i, k in enumerate(reversed(row)) if k)]
    return ids


def simple_ids(encode, begin=49406, end=49407, length=77):
    return lambda text: [begin] + encode(text)[:length - 2] + [end]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The same merges as transformers' folders have them."""
    at = tmp_path_factory.mktemp("clip")
    lines = gzip.open(MERGES).read().decode().split("\n")
    (at / "merges.txt").write_text("\n".join(["#version: 0.2"] + lines[1:48895]) + "\n", encoding="utf-8")
    (at / "vocab.json").write_text(json.dumps(clip.simple_tokenizer.SimpleTokenizer().encoder, ensure_ascii=False), encoding="utf-8")
    return at


def test_classes_of_every_character():
    everything = "".join(map(chr, range(0x110000)))
    expected = [STRIPPED * char.isspace() for char in everything]
    for flag, pattern in (LETTER, r"\p{L}"), (NUMBER, r"\p{N}"), (WHITE, r"\s"):
        for found in regex.finditer(pattern, everything):
            expected[found.start()] += flag
    for point, flags in enumerate(expected):
        assert L.mdp_char_word(point) & 15 == flags, hex(point)


def test_lower_case_of_texts_with_sigma():
    """Which form a sigma has depends on what stands around it."""
    r, ours = random.Random(5), Tokenizer()
    theirs = open_clip.tokenizer.SimpleTokenizer()
    many = ["".join(r.choice("ΣΣσςΑab1 .'\u00ad\u0301\u0345·’İ") for _ in range(r.randint(1, 9))) for _ in range(3000)]
    assert not differences(ours, open_clip_ids(theirs), many)[:1]


@pytest.mark.parametrize("variant", ["open-clip", "openai"])
def test_splitting_and_merging_without_cleaning(variant):
    theirs = (open_clip.tokenizer if variant == "open-clip" else clip.simple_tokenizer).SimpleTokenizer()
    if variant == "open-clip":
        theirs.clean_fn = lambda t: t
        encode = theirs.encode
    else:
        def encode(text):
            ids = []
            for token in theirs.pat.findall(text):
                token = "".join(theirs.byte_encoder[b] for b in token.encode())
                ids += [theirs.encoder[t] for t in theirs.bpe(token).split(" ")]
            return ids
    ours = Tokenizer(f"variant: {variant}\nclean: none")
    assert not differences(ours, simple_ids(encode), texts(1))[:1]
    assert ours.pad == 0


@pytest.mark.parametrize("clean", ["lower", "whitespace", "canonicalize"])
def test_open_clip(clean):
    ours, theirs = Tokenizer(f"clean: {clean}"), open_clip.tokenizer.SimpleTokenizer(clean=clean)
    found = differences(ours, open_clip_ids(theirs), texts(3))
    print(f"{N - len(found)} of {N} texts equal")
    assert not found[:1]


def test_openai():
    ours, theirs = Tokenizer("variant: openai"), clip.simple_tokenizer.SimpleTokenizer()
    assert not differences(ours, simple_ids(theirs.encode), texts(4))[:1]


def test_transformers_fast_tokenizer(folder):
    theirs = CLIPTokenizerFast(vocab_file=str(folder / "vocab.json"), merges_file=str(folder / "merges.txt"))
    ours = Tokenizer("variant: transformers", folder / "merges.txt")
    assert not differences(ours, lambda t: theirs(t, truncation=True, max_length=77)["input_ids"], texts(2))[:1]
    assert ours.pad == theirs.pad_token_id == 49407 and Tokenizer("variant: transformers\npad: 0").pad == 0


@pytest.mark.parametrize("length", [3, 4, 16, 77])
def test_truncation(length):
    ours, theirs = Tokenizer(length=length), open_clip_ids(open_clip.tokenizer.SimpleTokenizer(context_length=length))
    for n in (0, 1, 2, 13, 14, 15, 74, 75, 76, 600):
        assert ours("a " * n) == theirs("a " * n)
        assert n < length - 1 or ours("a " * n)[-1] == 49407


def test_a_megabyte_takes_no_time():
    ours, r = Tokenizer(), random.Random(3)
    for text in ("&" + "amp;" * 250_000, "â€™Ãƒ" * 250_000, "a" * 1_000_000, "ab" * 500_000, "".join(r.choice(string.ascii_lowercase) for _ in range(1_000_000)),
                 "Σ" * 500_000, "'" * 1_000_000, "<" * 1_000_000):
        begin = time.monotonic()
        ours(text)
        assert time.monotonic() - begin < 20   # quadratic: hours


def own(tmp_path, name, lines, vocab=None):
    (tmp_path / name).write_bytes("\n".join(lines).encode())
    if vocab is not None:
        (tmp_path / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    return tmp_path / name


HEAD = "#version: 0.2"


@pytest.mark.parametrize("lines, message", [
    ([], ": no merges"), ([HEAD], ": no merges"),
    (["a b", "c d"], ": line 1 has no '#version' (a file of merges begins with it)"),
    ([HEAD, "a b", "ab"], ": line 3: 'ab' is no merge (two symbols with a blank between)"),
    ([HEAD, "a b c"], ": line 2: 'a b c' is no merge (two symbols with a blank between)"),
    ([HEAD, "a b", "abc d"], ": line 3: no symbol 'abc' before this line"),
    ([HEAD, "ab c</w>", "a b"], ": line 2: no symbol 'ab' before this line"),
    ([HEAD, "a b", "a b"], ": its symbols, one a line: line 514: 'ab' stands on line 513 already"),
])
def test_broken_merges(tmp_path, lines, message):
    path = own(tmp_path, "merges.txt", lines)
    with pytest.raises(ValueError) as error:
        Tokenizer(vocab=path)
    assert str(error.value) == f"{path}{message}"


def test_vocab_json_must_agree(tmp_path, folder):
    vocab = {s: i for i, s in enumerate(clip.simple_tokenizer.SimpleTokenizer().encoder) if i < 512}
    good = vocab | {"ab": 512, "<|startoftext|>": 513, "<|endoftext|>": 514}
    ours = Tokenizer("clean: none", own(tmp_path, "merges.txt", [HEAD, "a b", ""], good))
    assert ours("abc") == [513, 512, good["c</w>"], 514]
    for change, message in [({"ab": 511}, "'ab' has not the id 512 that it has by merges.txt beside it"),
                            ({"<|endoftext|>": 2}, "'<|endoftext|>' has not the id 514 that it has by merges.txt beside it"),
                            ({"new": 515}, "516 entries, but by merges.txt beside it there are 515")]:
        with pytest.raises(ValueError) as error:
            Tokenizer(vocab=own(tmp_path, "merges.txt", [HEAD, "a b"], good | change))
        assert str(error.value) == f"{tmp_path}/vocab.json: {message}"


def test_wrong_keys_are_named():
    for settings, message in [("variant: clip", "no variant of CLIP's tokenizer 'clip'"), ("clean: ftfy", "no way to clean a text 'ftfy'"),
                              ("pad: 49408", "pad is 49408, but")]:
        with pytest.raises(ValueError) as error:
            Tokenizer(settings)
        assert message in str(error.value)
