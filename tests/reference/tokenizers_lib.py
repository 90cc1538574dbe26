# SPDX-License-Identifier: BSD-3-Clause
"""medprobe's tokenizers from lines of YAML, and SentencePiece models to try them on."""
import ctypes as c
import io
import os
import random

import ftfy.bad_codecs  # noqa: F401  (the codecs of texts_lib)
import sentencepiece

from medprobe_lib import Error, lib
from texts_lib import WORDS, random_texts

L = lib()
L.mdp_yaml_root.restype, L.mdp_yaml_root.argtypes = c.c_void_p, [c.c_void_p]
L.mdp_yaml_free.argtypes = L.mdp_tokenizer_free.argtypes = [c.c_void_p]
L.mdp_tokenizer_pad_id.argtypes = [c.c_void_p]
L.mdp_tokenizer_vocab_size.restype, L.mdp_tokenizer_vocab_size.argtypes = c.c_size_t, [c.c_void_p]
N = int(os.environ.get("MEDPROBE_TEXTS", 2000))


class Tokenizer:
    def __init__(self, vocab, settings, length=64):
        err, doc, self.at = Error(), c.c_void_p(), c.c_void_p()
        text = f"{settings}\nmax_length: {length}\n".encode()
        assert L.mdp_yaml_parse(text, c.c_size_t(len(text)), b"t.yaml", c.byref(doc), c.byref(err)) == 0, err.message
        status = L.mdp_tokenizer_new(doc, c.c_void_p(L.mdp_yaml_root(doc)), os.fsencode(vocab), c.byref(self.at), c.byref(err))
        L.mdp_yaml_free(doc)
        if status:
            raise ValueError(err.message.decode())
        self.ids = (c.c_int32 * length)()

    def __call__(self, text):
        err, n = Error(), c.c_size_t()
        status = L.mdp_tokenize(self.at, text if isinstance(text, bytes) else text.encode(), self.ids, c.byref(n), c.byref(err))
        if status:
            raise ValueError(err.message.decode())
        return self.ids[:n.value]

    @property
    def pad(self):
        return L.mdp_tokenizer_pad_id(self.at)

    @property
    def vocab_size(self):
        return L.mdp_tokenizer_vocab_size(self.at)

    def __del__(self):
        L.mdp_tokenizer_free(self.at)


def texts(seed, n=N):
    return [t.replace("\0", "") for t in random_texts(seed, n)]


def with_specials(seed, specials, n=N):
    """Texts with special tokens written in them, whole, in other cases and broken."""
    r, many = random.Random(seed), texts(seed, n)
    for i in range(0, n, 3):
        for _ in range(r.randint(1, 3)):
            s = r.choice(specials)
            s = r.choice([s, s, s, s.upper(), s[1:], s[:-1], " " + s + " ", s + s, "\n" + s + "\t", "\u3000" + s + "\xa0"])
            at = r.choice([0, len(many[i]), r.randint(0, len(many[i]))])
            many[i] = many[i][:at] + s + many[i][at:]
    return many


def differences(ours, theirs, many, ties=0.0):
    """At most three, for the message. ties: this share of the texts may have the same ids in another order."""
    found, tied = [], 0
    for t in many:
        a, b = ours(t), theirs(t)
        if a != b and sorted(a) == sorted(b) and tied < ties * len(many):
            tied += 1
        elif a != b:
            found.append((t, a, b))
            if len(found) == 3:
                break
    return found


def train(path, **settings):
    """A model of SentencePiece over texts of many scripts; the bytes of it are in `path`."""
    r, out = random.Random(5), io.BytesIO()
    corpus = ["".join(k for k in t if k.isprintable()) for t in random_texts(11, 3000)]
    corpus += [" ".join(r.choice(WORDS) for _ in range(8)) for _ in range(3000)]
    settings = {"vocab_size": 900, "model_type": "unigram", "character_coverage": 0.98, "hard_vocab_limit": False,
                "num_threads": 1, "minloglevel": 2, "input_sentence_size": 0} | settings
    sentencepiece.SentencePieceTrainer.train(sentence_iterator=iter(corpus), model_writer=out, **settings)
    path.write_bytes(out.getvalue())
    return path
