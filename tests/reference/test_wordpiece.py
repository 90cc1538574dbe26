# SPDX-License-Identifier: BSD-3-Clause
"""Protects: WordPiece, against transformers.BertTokenizer(do_lower_case=True): equal ids.

The vocabulary is made here, so that the test always runs: letters and pieces of many scripts. With the test data
beside the repository (or in MEDPROBE_TEST_DATA), the published vocabulary of bert-base-cased is used too.

Characters newer than Unicode 14 (CPython 3.11) are unassigned for medprobe. A newer Python knows them, so they are
left out of the random texts there.

Planted faults, each seen by test_random_texts: 101 in place of 100 characters a word; a CJK block cut short; accents not
stripped; combining marks not ordered. utf8proc's own Mn (Unicode 15) in place of the table is seen by the exhaustive
comparison of classes."""
import ctypes as c
import os
import pathlib
import random
import unicodedata

import pytest
import yaml
from transformers import BertTokenizer, BertTokenizerFast

from medprobe_lib import Error, ROOT, lib

L = lib()
L.mdp_char_class.argtypes, L.mdp_char_class.restype = [c.c_uint32], c.c_int
L.mdp_char_lower.argtypes, L.mdp_char_lower.restype = [c.c_uint32, c.POINTER(c.c_uint32)], c.c_size_t
L.mdp_yaml_root.restype = c.c_void_p
L.mdp_yaml_root.argtypes = [c.c_void_p]
L.mdp_yaml_free.argtypes = [c.c_void_p]
L.mdp_tokenizer_free.argtypes = [c.c_void_p]
OTHER, DROPPED, SPACE, PUNCTUATION, MARK = range(5)
DATA = pathlib.Path(os.environ.get("MEDPROBE_TEST_DATA", ROOT.parent / "shared/data"))
CASED = DATA / "tokenizers/bert-base-cased-vocab.txt"
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
MAX_LENGTH = 77

# Blocks that random characters come from, in proportions that make words as well as chaos.
BLOCKS = {
    "latin": [(0x61, 0x7A)] * 6 + [(0x41, 0x5A)] * 2, "digits": [(0x30, 0x39)],
    "latin accents": [(0xC0, 0x24F), (0x1E00, 0x1EFF)], "greek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "cyrillic": [(0x400, 0x52F)], "armenian georgian": [(0x531, 0x58F), (0x10A0, 0x10FF), (0x1C90, 0x1CBF)],
    "hebrew arabic": [(0x591, 0x5F4), (0x600, 0x6FF)], "indic": [(0x900, 0xDFF)],
    "thai tibetan": [(0xE00, 0xFFF)], "hangul": [(0x1100, 0x11FF), (0xAC00, 0xD7A3)],
    "kana": [(0x3041, 0x30FF)], "cjk": [(0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F)],
    "emoji": [(0x1F300, 0x1FAFF), (0x2600, 0x27BF)], "marks": [(0x300, 0x36F), (0x1D165, 0x1D1AD), (0x302A, 0x302F)],
    "letterlike": [(0x2100, 0x214F), (0x1D400, 0x1D7FF), (0xFF01, 0xFF5E), (0x10400, 0x1044F), (0x1E900, 0x1E943)],
    "control": [(0, 0x1F), (0x7F, 0xA0), (0x200B, 0x200F), (0xFFF0, 0xFFFF), (0xE000, 0xE0FF)],
    "space": [(0x20, 0x20)] * 6 + [(0x2000, 0x200A), (0x2028, 0x2029), (0x3000, 0x3000), (9, 13), (0x1680, 0x1680)],
    "punctuation": [(0x21, 0x2F), (0x3A, 0x40), (0x5B, 0x60), (0x7B, 0x7E), (0x2010, 0x205E), (0x3001, 0x303D)],
    "anything": [(1, 0xD7FF), (0xE000, 0x10FFFF)],
}


def usable(point):
    """Not a surrogate or NUL (a C string has none), and not a character that only this Python knows."""
    if point == 0 or 0xD800 <= point < 0xE000:
        return False
    newer = unicodedata.unidata_version != "14.0.0"
    return not (newer and L.mdp_char_class(point) == DROPPED and unicodedata.category(chr(point))[0] != "C"
                and point != 0xFFFD)


def random_char(r, names):
    while True:
        low, high = r.choice(BLOCKS[r.choice(names)])
        point = r.randint(low, high)
        if usable(point):
            return chr(point)


def random_text(r, pieces):
    """A text of words from the vocabulary, of one or two scripts, of anything, or of traps."""
    kind = r.randrange(10)
    if kind < 3:
        words = []
        for _ in range(r.randrange(1, 12)):
            word = r.choice(pieces).removeprefix("##") + "".join(
                r.choice(pieces).removeprefix("##") for _ in range(r.randrange(3)))
            words.append(r.choice([word, word.upper(), word.title(), word + r.choice(".,;:-'/")]))
        return r.choice([" ", "  ", "\t", "\n"]).join(words)
    if kind < 6:
        names = r.sample(list(BLOCKS), r.randrange(1, 3)) + ["space"]
        return "".join(random_char(r, names) for _ in range(r.randrange(1, 120)))
    if kind < 8:
        return "".join(random_char(r, list(BLOCKS)) for _ in range(r.randrange(0, 60)))
    traps = SPECIALS + ["[sep]", "[S\x01EP]", "[MAS\u212a]", "[[CLS]]", "[UNK[SEP]", "\u0130", "I\u0307", "\u03a3",
                        "\u03a3\u03a3", "A\u0301\u0327", "q\u0327\u0301", "\u1100\u1161\u11a8", "\uac00\u11a8", "\u212b",
                        "\u1fef", "\u037e", "\ufa0e\u4e00", "\u0344", "\u0f73", "\U0001d15e", "\ufb01", "\u00ad",
                        "\u200d", "\u2028", "\x85", "\x1c", "\u3000", "##ing", "#", "a" * r.randrange(98, 104),
                        "\u00e9" * r.randrange(98, 103), "e\u0301" * r.randrange(49, 103), "\u4e2d\u6587", "na\u00efve",
                        "caf\u00e9", " ", "\n", "\r\n", "'s", "-", "\ufffd", "\U00031350", "\U0001e4d0", "\u1ac1"]
    traps = [t for t in traps if all(usable(ord(k)) for k in t)]
    return "".join(r.choice(traps) + r.choice(["", "", " "]) for _ in range(r.randrange(1, 12)))


@pytest.fixture(scope="module")
def made_vocab(tmp_path_factory):
    """Single characters of every script, longer pieces of them, and English-like words."""
    r = random.Random(1)
    pieces = dict.fromkeys(SPECIALS)
    for name in BLOCKS:
        for _ in range(1200 if name in ("latin", "anything", "cjk") else 250):
            for form in ("NFD", "NFC"):
                piece = "".join(unicodedata.normalize(form, random_char(r, [name])) for _ in range(r.choice([1, 1, 2, 3])))
                piece = r.choice([piece, piece.lower(), "".join(k for k in piece if unicodedata.category(k) != "Mn")])
                if piece and not set(piece) & set("\n\r"):
                    pieces.setdefault(piece)
                    pieces.setdefault("##" + piece)
    for k in "abcdefghijklmnopqrstuvwxyz0123456789":
        pieces.setdefault(k)
        if r.random() < 0.9:
            pieces.setdefault("##" + k)
    path = tmp_path_factory.mktemp("vocab") / "vocab.txt"
    path.write_text("".join(p + "\n" for p in pieces), encoding="utf-8", newline="")
    return path


@pytest.fixture(scope="module", params=["made", "bert-base-cased"])
def vocab(request, made_vocab):
    if request.param == "made":
        return made_vocab
    if not CASED.exists():
        pytest.skip(f"no {CASED}")
    return CASED


class Tokenizer:
    """medprobe's, from a line of YAML."""

    def __init__(self, vocab, settings="kind: wordpiece\nmax_length: 77\n"):
        err, doc, self.at = Error(), c.c_void_p(), c.c_void_p()
        text = settings.encode()
        assert L.mdp_yaml_parse(text, c.c_size_t(len(text)), b"t.yaml", c.byref(doc), c.byref(err)) == 0, err.message
        status = L.mdp_tokenizer_new(doc, c.c_void_p(L.mdp_yaml_root(doc)), os.fsencode(vocab), c.byref(self.at),
                                     c.byref(err))
        L.mdp_yaml_free(doc)
        if status:
            raise ValueError(err.message.decode())
        self.ids = (c.c_int32 * 4096)()

    def __call__(self, text):
        err, n = Error(), c.c_size_t()
        status = L.mdp_tokenize(self.at, text if isinstance(text, bytes) else text.encode(), self.ids, c.byref(n),
                                c.byref(err))
        if status:
            raise ValueError(err.message.decode())
        return self.ids[:n.value]

    def __del__(self):
        L.mdp_tokenizer_free(self.at)


def reference(path, **settings):
    t = BertTokenizer(str(path), **settings)
    t.model_max_length = MAX_LENGTH
    return t


def compare(ours, theirs, texts):
    for text in texts:
        found, expected = ours(text), theirs(text, truncation=True)["input_ids"]
        assert found == expected, (text, found, expected, theirs.convert_ids_to_tokens(expected))


def test_classes_and_lower_case_of_every_character():
    out = (c.c_uint32 * 2)()
    counted = 0
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000 or not usable(point) and point:
            continue
        char, category = chr(point), unicodedata.category(chr(point))
        found = L.mdp_char_class(point)
        assert (found == SPACE) == (char in "\t\n\r" or category[0] == "Z"), hex(point)
        assert (found == MARK) == (category == "Mn"), hex(point)
        if found != SPACE:
            assert (found == DROPPED) == (category[0] == "C" or point == 0xFFFD), hex(point)
        n = L.mdp_char_lower(point, out)
        assert "".join(map(chr, out[:n])) == char.lower(), hex(point)
        counted += 1
    assert counted > 1_100_000


def test_composing_first_changes_nothing():
    """What lets the tokenizer skip NFC when it lower-cases: lower case is closed under composition."""
    for point in range(0x110000):
        if 0xD800 <= point < 0xE000:
            continue
        once = unicodedata.normalize("NFC", chr(point).lower())
        assert once.lower() == once, hex(point)


def test_random_texts(vocab):
    r = random.Random(2)
    pieces = vocab.read_text(encoding="utf-8").splitlines()[5:]
    ours, theirs = Tokenizer(vocab), reference(vocab, do_lower_case=True)
    texts = [random_text(r, pieces) for _ in range(10_000 if vocab != CASED else 5_000)]
    compare(ours, theirs, texts)
    used = [k for t in texts[:2000] for k in ours(t)]
    assert len(set(used)) > 500 and used.count(theirs.unk_token_id) < len(used) / 2  # the texts do reach the vocabulary
    assert sum(len(ours(t)) == MAX_LENGTH for t in texts) > len(texts) / 1000        # and are cut sometimes


@pytest.mark.parametrize("settings", [
    dict(do_lower_case=False), dict(do_lower_case=False, strip_accents=True),
    dict(do_lower_case=True, strip_accents=False), dict(do_lower_case=True, tokenize_chinese_chars=False)])
def test_other_settings(made_vocab, settings):
    r = random.Random(3)
    names = {"do_lower_case": "lower_case", "tokenize_chinese_chars": "split_cjk", "strip_accents": "strip_accents"}
    text = "kind: wordpiece\nmax_length: 77\n" + "".join(f"{names[k]}: {str(v).lower()}\n" for k, v in settings.items())
    pieces = made_vocab.read_text(encoding="utf-8").splitlines()[5:]
    compare(Tokenizer(made_vocab, text), reference(made_vocab, **settings),
            [random_text(r, pieces) for _ in range(1_000)])


@pytest.mark.parametrize("length", [3, 4, 16, 512])
def test_truncation(made_vocab, length):
    ours = Tokenizer(made_vocab, f"kind: wordpiece\nmax_length: {length}\n")
    theirs = reference(made_vocab)
    theirs.model_max_length = length
    for n in (0, 1, 13, 14, 15, 600):
        text = "a b c " * n
        assert ours(text) == theirs(text, truncation=True)["input_ids"]


def test_lines_of_the_vocabulary_end_as_in_python(tmp_path):
    path = tmp_path / "vocab.txt"
    lines = SPECIALS + ["a", "", "b\u2028c", "\x0bd", "e\x85", "f"]
    path.write_bytes("\r\n".join(lines[:4]).encode() + b"\r" + "\n".join(lines[4:]).encode())
    compare(Tokenizer(path), reference(path), ["a f", "b e", "a"])


@pytest.mark.parametrize("content, message", [
    (b"", "no line '[UNK]' among 0 (a WordPiece vocabulary has it)"),
    ("\n".join(SPECIALS[:4]).encode(), "no line '[MASK]' among 4 (a WordPiece vocabulary has it)"),
    ("\n".join(SPECIALS + ["a", "b", "a"]).encode(), "line 8: 'a' stands on line 6 already"),
    ("\n".join(SPECIALS).encode() + b"\n\xff\n", "line 6: byte 0 is not UTF-8"),
    ("\n".join(SPECIALS).encode() + b"\nab\xed\xa0\x80\n", "line 6: byte 2 is not UTF-8"),
])
def test_broken_vocabularies(tmp_path, content, message):
    path = tmp_path / "vocab.txt"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        Tokenizer(path)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize("text, byte", [(b"ab\xff", 2), (b"\xc0\x80", 0), (b"a" * 300 + b"\xe4\xb8", 300),
                                        (b"\xed\xa0\x80", 0), (b"\xf4\x90\x80\x80", 0)])
def test_texts_that_are_not_utf8(made_vocab, text, byte):
    with pytest.raises(ValueError) as error:
        Tokenizer(made_vocab)(text)
    assert str(error.value).endswith(f": byte {byte} is not UTF-8")


def test_a_megabyte_of_marks_takes_no_time(made_vocab):
    """Python and utf8proc order marks in quadratic time; this would run for hours."""
    text = "a" + "\u0301\u0327" * 250_000
    assert Tokenizer(made_vocab)(text) == Tokenizer(made_vocab)("a")


def test_prompt_sets_have_the_same_tokens_in_all_three(vocab):
    """The committed prompts: ours, the slow and the fast tokenizer (which MedCLIP's AutoTokenizer loads) agree."""
    ours, slow = Tokenizer(vocab), reference(vocab)
    fast = BertTokenizerFast(vocab_file=str(vocab), do_lower_case=True)
    fast.model_max_length = MAX_LENGTH
    seen = 0
    for path in sorted((ROOT / "configs/prompts").glob("*.yaml")):
        for phrases in yaml.safe_load(path.read_text(encoding="utf-8"))["classes"].values():
            for phrase in phrases or []:  # a class may have templates alone
                ids = ours(phrase)
                assert ids == slow(phrase, truncation=True)["input_ids"] == fast(phrase, truncation=True)["input_ids"], phrase
                seen += 1
    assert seen > 800
