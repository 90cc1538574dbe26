# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the repair of texts, against ftfy.fix_text 6.3.1 and html.unescape of Python 3.11: equal texts.

3,000 texts (texts_lib.py) every day, MEDPROBE_TEXTS=10000 takes more, and every character alone and in pairs with what speaks of mojibake.

Planted faults, each seen: the blank of "a la" taken into its letter; lost bytes not replaced; parts not repaired; two rounds only;
the automaton begun in another state; capitals of entities not known."""
import ctypes as c
import html
import os
import random
import time
import unicodedata

import ftfy
import ftfy.badness
import ftfy.fixes
import pytest

from medprobe_lib import Error, lib
from texts_lib import ENTITIES, UNIGNORABLE, WORDS, mojibake, random_texts

L = lib()
N = int(os.environ.get("MEDPROBE_TEXTS", 3000))


class Chars(c.Structure):
    """struct mdp_chars"""
    _fields_ = [("at", c.POINTER(c.c_uint32)), ("n", c.c_size_t), ("capacity", c.c_size_t)]


L.mdp_fix_text_is_bad.argtypes, L.mdp_fix_text_is_bad.restype = [c.POINTER(c.c_uint32), c.c_size_t], c.c_bool
L.mdp_chars_release.argtypes = [c.POINTER(Chars)]


def call(function, text, in_place=False):
    data, chars, out, err = text.encode(), Chars(), Chars(), Error()
    assert L.mdp_chars_decode(c.byref(chars), data, c.c_size_t(len(data)), c.byref(err)) == 0, err.message
    status = function(c.byref(chars), *([] if in_place else [c.byref(out)]), c.byref(err))
    assert status == 0, err.message
    found = chars if in_place else out
    result = c.string_at(found.at, found.n * 4).decode("utf-32-le", "surrogatepass") if found.n else ""
    L.mdp_chars_release(c.byref(chars))
    L.mdp_chars_release(c.byref(out))
    return result


def fix_text(text):
    return call(L.mdp_fix_text, text, in_place=True)


def is_bad(text):
    data = text.encode("utf-32-le")
    return L.mdp_fix_text_is_bad(c.cast(data, c.POINTER(c.c_uint32)), len(data) // 4)


def differences(ours, theirs, texts):
    return [(ascii(t), ascii(ours(t)), ascii(theirs(t))) for t in texts if ours(t) != theirs(t)]


def test_random_texts():
    texts = random_texts(7, N)
    found = differences(fix_text, ftfy.fix_text, texts)
    changed = sum(ftfy.fix_text(t) != t for t in texts)
    print(f"{N - len(found)} of {N} texts equal, {len(found)} not; ftfy changes {changed} of them")
    assert not found[:3]
    assert changed > N / 2


def test_unescape_of_both_kinds():
    r = random.Random(8)
    texts = ["".join(r.choice(ENTITIES + list("&#x;aA0 <\t")) for _ in range(r.randint(1, 12))) for _ in range(N)]
    texts += [f"&{name}" for name in html.entities.html5] + [f"&{name.upper()}x" for name in html.entities.html5]
    texts += [f"&#{n};" for n in range(0x300)] + [f"&#x{n:X}" for n in (0xD7FF, 0xD800, 0xDFFF, 0xFFFE, 0x1FFFF, 0x10FFFF, 0x110000)]
    texts += ["&" + "a" * n + ";" for n in range(40)] + ["&#" + "9" * n + ";" for n in range(30)] + ["&#x" + "f" * 5000]
    assert not differences(lambda t: call(L.mdp_html_unescape, t), html.unescape, texts)[:3]
    assert not differences(lambda t: call(L.mdp_html_unescape_strict, t), ftfy.fixes.unescape_html, texts)[:3]


def test_what_looks_bad():
    """Short texts of the characters that the rules are made of: an automaton that lacks one is seen at once."""
    r = random.Random(9)
    rare = sorted({c for s in ftfy.badness.MOJIBAKE_CATEGORIES.values() for c in s} | set("abyzAZ .,?!\n\u0393\u0432\u0402_09à≈√Ä∂†"))
    texts = ["".join(r.choice(rare) for _ in range(r.randint(1, 6))) for _ in range(20 * N)]
    texts += [chr(p) for p in range(0x3000)] + [a + chr(p) for p in range(0x2700) for a in "éÃ€"]
    wrong = [ascii(t) for t in texts if is_bad(t) != ftfy.badness.is_bad(t)]
    assert not wrong[:5]
    assert 0.2 < sum(map(is_bad, texts)) / len(texts) < 0.9


def test_every_character_alone():
    points = [p for p in range(0x20000) if not 0xD800 <= p < 0xE000 and unicodedata.category(chr(p)) != "Cn"]
    assert not differences(fix_text, ftfy.fix_text, [f"a{chr(p)}b" for p in points])[:3]


def test_words_of_each_kind_of_mojibake():
    r = random.Random(10)
    texts = [mojibake(r, w) for w in WORDS for _ in range(6)] + [a + b for a in UNIGNORABLE for b in UNIGNORABLE]
    texts += ["voilÃ le travail", "Ã la mode", "vocÃª vai Ã s aulas", "l’Ã quele", "â€œ like this â€�", "Ã\xa0", "\xc3\xa9\xc0\n", "Ÿâ’\x8d\xed\xa0‚\xed¸\n", "sÃ³\nsÃ³"]
    texts += ["<b>&amp;\n&amp;", "&amp;\n<b>&amp;\n&amp;", "A\u030a\n&lt;\n&amp;"]
    assert not differences(fix_text, ftfy.fix_text, texts)[:3]


@pytest.mark.parametrize("text", [
    "a" * 1_000_000, "&" + "amp;" * 250_000, "&amp;lt;" * 125_000, "Ã©" * 500_000, "Ã" * 1_000_000, "Ã " * 500_000, "â€™Ãƒ" * 250_000,
    "&#x26;" * 160_000, "\x1b[" * 500_000, "\x1b[" + "1" * 1_000_000, "e" + "\u0301\u0327" * 500_000, "éÃ©\n" * 250_000, "\x81Ã©" * 330_000,
    "в‚¬Гў" * 250_000, "&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" * 30_000], ids=lambda t: ascii(t[:8]))
def test_a_megabyte_ends(text):
    """No bound on the time of a machine that others use, too; where ftfy would take hours, this would."""
    begin = time.monotonic()
    fix_text(text)
    call(L.mdp_html_unescape, text)
    print(f"{time.monotonic() - begin:.2f} s")
    assert time.monotonic() - begin < 60
