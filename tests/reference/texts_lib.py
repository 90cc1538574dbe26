# SPDX-License-Identifier: BSD-3-Clause
"""Texts that break tokenizers and what repairs texts: many scripts, emoji, control characters, entities, mojibake, rubbish."""
import random
import unicodedata

RANGES = {
    "ascii": [(0x20, 0x7E)] * 8, "latin": [(0xA0, 0x24F), (0x1E00, 0x1EFF)], "greek": [(0x370, 0x3FF), (0x1F00, 0x1FFF)],
    "cyrillic": [(0x400, 0x52F)], "semitic": [(0x591, 0x5F4), (0x600, 0x6FF), (0x700, 0x74F)], "indic": [(0x900, 0xDFF)],
    "thai": [(0xE00, 0xFFF)], "hangul": [(0x1100, 0x11FF), (0xAC00, 0xD7A3)], "kana": [(0x3041, 0x30FF)],
    "cjk": [(0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F)], "marks": [(0x300, 0x36F), (0x200B, 0x206F)],
    "symbols": [(0x2000, 0x2BFF)], "wide": [(0xFF01, 0xFFEF), (0x3000, 0x303F)], "ligatures": [(0xFB00, 0xFB4F), (0x132, 0x1F3)],
    "emoji": [(0x1F1E6, 0x1F1FF), (0x1F300, 0x1FAFF), (0xFE00, 0xFE0F)], "quotes": [(0x2018, 0x201F), (0x2B0, 0x2FF)],
    "control": [(0, 0x1F), (0x7F, 0x9F), (0xFFF9, 0xFFFD), (0xFEFF, 0xFEFF), (0x206A, 0x206F), (0x2028, 0x2029)],
    "private": [(0xE000, 0xE0FF), (0xF8FF, 0xF8FF), (0xF0000, 0xF00FF)], "rare": [(0x10000, 0x1FFFF)], "tags": [(0xE0020, 0xE007F)],
}
WORDS = ("a photo of the chest showing pleural effusion it's don't we'll they're I've I'm he'd naïve café façade jalapeño "
         "Müller Ångström œuvre Dvořák żółć смотри Привет мир ΟΔΥΣΣΕΥΣ σοφός İstanbul ışık 病理 胸部 レントゲン ﾚﾝﾄｹﾞﾝ 폐렴 الصدر "
         "רנטגן หน้าอก छाती ﬁnding ﬂuid ﬃ ĲSSEL ŉ Ǆ ＣＴ　ｓｃａｎ “quoted” ‘single’ „low“ « guillemets » 5µm ±2 ½ x² 3×4 €5 £3 ¥7 "
         "№1 … – — • ™ © ® 👩‍⚕️ 👨‍👩‍👧‍👦 🇩🇪 🏴󠁧󠁢󠁷󠁬󠁳󠁿 ✔ ☃ à la carte às voilà l’été d’œil ſ Straße 'ſ K Å ﷺ ゙ e\u0301 o\u0308").split(" ")
ENTITIES = ("&amp; &lt; &gt; &quot; &nbsp; &eacute; &EACUTE; &Eacute &eacute &not &notin; &notit; &copy &hellip; &#39; &#x2019; &#8217 "
            "&#0; &#128; &#x80; &#x9d; &#xD800; &#x110000; &#1114112; &#99999999999; &#x1F600; &amp;amp;lt; &amp;#38;lt; &NTILDE; "
            "&SZLIG; &AMP; &AMP &Jscr; &CounterClockwiseContourIntegral; &fjlig; &NotEqualTilde; &; &# &#x; &#xZ; &&amp; &ampamp; "
            "&#x1c; &#11; &#13; &#12; &Acirc;&copy; &Atilde;&copy; &acirc;&euro;&trade; &THORN; &Yuml; &OELIG; &middot &sup2").split(" ")
CODECS = ["latin-1", "windows-1252", "sloppy-windows-1252", "sloppy-windows-1251", "sloppy-windows-1250", "sloppy-windows-1253",
          "sloppy-windows-1254", "sloppy-windows-1257", "iso-8859-2", "macroman", "cp437"]
UNIGNORABLE = ["\x1b[31m", "\x1b[0m", "\x1b[", "\r\n", "\r", "\n", "\u2028", "\x85", "\t", "<b>", "<|endoftext|>", "<start_of_text>",
               "<end_of_text>", "<|STARTOFTEXT|>", "<ſtart_of_text>", "\ufffd", "?", "\x1a", "_", "{}", "\xa0", "\u3000"]


def assigned(char):
    """Known to CPython 3.11 (Unicode 14)."""
    return unicodedata.category(char) != "Cn"


def random_char(r):
    while True:
        low, high = r.choice(RANGES[r.choice(list(RANGES))])
        char = chr(r.randint(low, high))
        if assigned(char):
            return char


def plain(r):
    kind = r.random()
    if kind < 0.6:
        return r.choice((" ", " ", " ", "", "-", ", ")).join(r.choice(WORDS) for _ in range(r.randint(1, 8)))
    if kind < 0.75:
        low, high = r.choice(RANGES[r.choice(list(RANGES))])
        return "".join(c for c in (chr(r.randint(low, high)) for _ in range(r.randint(1, 12))) if assigned(c))
    return "".join(random_char(r) for _ in range(r.randint(1, 15)))


def mojibake(r, text):
    """UTF-8 read as something else, once or twice; sometimes cut, with A0 as a blank or with a byte lost."""
    codec = r.choice(CODECS)
    for _ in range(r.choice((1, 1, 1, 2, 2, 3))):
        data = text.encode("utf-8", "surrogatepass")
        if r.random() < 0.1:
            data = data[:r.randint(0, len(data))]
        text = data.decode(codec, "replace" if r.random() < 0.7 else "ignore")
        if r.random() < 0.15:
            text = text.replace("\xa0", " ")
        if r.random() < 0.1:
            text = text.replace(r.choice(text or " "), "\ufffd", 1)
        if r.random() < 0.2:
            codec = r.choice(CODECS)
    return text


def cesu(r, text):
    """What comes of UTF-16 written as UTF-8, and read as Latin-1."""
    wide = "".join(chr(c) for c in memoryview(text.encode("utf-16-le", "surrogatepass")).cast("H"))
    return wide.encode("utf-8", "surrogatepass").replace(b"\0", b"\xc0\x80").decode(r.choice(("latin-1", "sloppy-windows-1252")))


def random_text(r):
    kind, text = r.random(), plain(r)
    if kind < 0.15:
        pass
    elif kind < 0.5:
        text = mojibake(r, text)
    elif kind < 0.55:
        text = cesu(r, text)
    elif kind < 0.6:
        text = bytes(r.randrange(256) for _ in range(r.randint(1, 30))).decode("utf-8", "replace")
    elif kind < 0.65:
        text = bytes(r.choice((0xC2, 0xC3, 0xE2, 0x80, 0x99, 0xA0, 0x20, 0xED, 0xF0, 0x9F, 0x41, 0x1A, 0x3F, 0xC0)) for _ in range(
            r.randint(1, 20))).decode(r.choice(CODECS), "replace")
    elif kind < 0.75:
        text = "".join(r.choice(ENTITIES) + r.choice(("", "", " ", "x", ";")) for _ in range(r.randint(1, 6)))
    while r.random() < 0.35:
        part = r.choice((r.choice(UNIGNORABLE), r.choice(ENTITIES), plain(r), mojibake(r, plain(r)), mojibake(r, r.choice(WORDS))))
        at = r.randint(0, len(text))
        text = text[:at] + part + text[at:]
    if r.random() < 0.01:
        text = (text + " ") * r.randint(2, 60)
    return "".join(c if not 0xD800 <= ord(c) < 0xE000 and assigned(c) else "\ufffd" for c in text)


def random_texts(seed, n):
    r = random.Random(seed)
    return [random_text(r) for _ in range(n)]
