# SPDX-License-Identifier: BSD-3-Clause
"""Protects: what is done to texts before WordPiece (`clean`): BioViL's, against hi-ml's TextInput; GLoRIA's, against its published
steps (models.md 4.4) in Python's re, since its package cannot be installed. Ids are compared.

Planted, for good: a wrong way to clean gives other ids for texts that it is about."""
import random
import re

import pytest
from transformers import BertTokenizer

from test_wordpiece import CASED, SPECIALS, Tokenizer, made_vocab, random_text, vocab  # noqa: F401: fixtures

REPORTS = ["1. Small left pleural effusion. 2. No pneumothorax.", "FINDINGS: The heart is enlarged.\nIMPRESSION:\n3. Edema.", "Normal.", "", ".", "..",
           "T4. body fracture 12.5 mm", "caf\u00e9 na\u00efve. \u80ba\u708e \u6709. x", "\u0130stanbul is big. \u212b a", "a_b c_d. \u00b2 \u00bd. e\u0301 f",
           "one.two.three four", "No change . . 10.\n\n11.  stable appearance of the chest", "3.", "a b3", "a b3.", "\u0663. a b", "?!.", "end!?."]


def gloria(text):
    sentences = []
    for part in re.split(r"[0-9]+\.", text.replace("\n", " ")):
        for sentence in part.split("."):
            words = re.findall(r"\w+", sentence.replace("\ufffd\ufffd", " ").lower())
            if len(words) > 1:
                words = [word.encode("ascii", "ignore").decode() for word in words]
                sentences.append(" ".join(word for word in words if word))
    return " ".join(sentences)


def texts_of(path, n, seed):
    r = random.Random(seed)
    pieces = [line for line in path.read_text(encoding="utf-8").split("\n") if line and line not in SPECIALS]
    made = [random_text(r, pieces) for _ in range(n)]
    return REPORTS + ["".join(k + r.choice(["", "", "", ".", "7.", " "]) for k in text.split(" ")) for text in made] + made


def test_gloria(vocab):
    ours, theirs = (Tokenizer(vocab, "kind: wordpiece\nmax_length: 97\nclean: report\n"), BertTokenizer(str(vocab)))
    texts, other = texts_of(vocab, 1500, 1), 0
    plain = Tokenizer(vocab, "kind: wordpiece\nmax_length: 97\n")
    for text in texts:
        expected = theirs(gloria(text), truncation=True, max_length=97)["input_ids"]
        assert ours(text) == expected, (text, gloria(text))
        other += plain(text) != expected
    print(len(texts), "texts, of which", other, "would have other ids as they are")
    assert other > len(texts) / 3


def test_biovil(vocab):
    from health_multimodal.text.inference_engine import TextInput
    tokenizer = BertTokenizer(str(vocab))
    reference = TextInput(tokenizer)
    ours, plain = (Tokenizer(vocab, f"kind: wordpiece\nmax_length: 512\nclean: {how}\n") for how in ("end-punctuation", "none"))
    texts = [t + end for t in texts_of(vocab, 600, 2) for end in ("", "?", "!.!") if not any(s in t for s in tokenizer.all_special_tokens)]
    other = 0
    for text in texts:
        expected = reference.tokenize_input_prompts(text, verbose=False).input_ids[0].tolist()
        if len(expected) > 512:
            continue  # refused there: too long
        assert ours(text) == expected, text
        other += plain(text) != expected
    print(len(texts), "texts, of which", other, "would have other ids as they are")
    assert other > len(texts) / 2


def test_wrong_ways_are_named(made_vocab):
    with pytest.raises(ValueError, match=r"line 3: no way to clean a text 'reports' \(did you mean 'report'\?\)"):
        Tokenizer(made_vocab, "kind: wordpiece\nmax_length: 9\nclean: reports\n")
    for how in ("report", "end-punctuation"):
        with pytest.raises(ValueError, match="byte 2"):
            Tokenizer(made_vocab, f"kind: wordpiece\nmax_length: 9\nclean: {how}\n")(b"ab\xff")


def test_open_clip(made_vocab, tmp_path):
    """HFTokenizer, from a folder with the slow tokenizer; padding is compared too."""
    from open_clip.tokenizer import HFTokenizer
    BertTokenizer(str(made_vocab)).save_pretrained(tmp_path)
    reference = HFTokenizer(str(tmp_path), context_length=77, use_fast=False)
    ours, plain = (Tokenizer(made_vocab, f"kind: wordpiece\nmax_length: 77\nclean: {how}\n") for how in ("whitespace", "none"))
    texts = texts_of(made_vocab, 600, 3) + ["\u201cquoted\u201d &amp; &lt;b&gt;", "it\u2019s \ufb01ne \u00e2\u20ac\u0153mojibake\u00e2\u20ac\u009d", " mild  edema\n"]
    other = 0
    for text in texts:
        if reference.clean_fn(text) != " ".join(text.split()):
            continue  # until the program repairs texts as ftfy does
        expected = reference([text])[0].tolist()
        found = ours(text)
        assert found + [0] * (77 - len(found)) == expected, text
        other += plain(text) != found
    print(len(texts), "texts, of which", other, "would have other ids as they are")
    assert other >= 0
