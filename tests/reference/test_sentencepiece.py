# SPDX-License-Identifier: BSD-3-Clause
"""Protects: tokenizers of SentencePiece, against Python's sentencepiece and transformers' SiglipTokenizer, XLMRobertaTokenizer and
T5Tokenizer: equal ids. The models are trained here.

2,000 texts of each kind (texts_lib.py) every day; MEDPROBE_TEXTS=10000 takes more. Where two ways to cut a text have one score
(aaa: a aa, aa a), rounding decides, and the library 0.1.97 (Debian 12) rounds otherwise than 0.2.3 (Python's): up to one text in
200 of these, which repeat characters a lot, may have the same ids in another order.

A table of characters that leads out of itself is refused (below); other faults were not planted yet."""
import time

import pytest
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as pb
from transformers import SiglipTokenizer, T5Tokenizer, XLMRobertaTokenizer

from tokenizers_lib import Tokenizer, differences, texts, train, with_specials

T5_LIKE = dict(pad_id=0, eos_id=1, unk_id=2, bos_id=-1)
TIES = 0.005
MODELS = {
    "unigram": dict(T5_LIKE, normalization_rule_name="nmt_nfkc"),
    "unigram as it is": dict(normalization_rule_name="identity", add_dummy_prefix=False, remove_extra_whitespaces=False),
    "unigram with bytes": dict(byte_fallback=True, normalization_rule_name="nmt_nfkc_cf"),
    "bpe": dict(model_type="bpe", normalization_rule_name="nmt_nfkc"),
    "bpe like gemma": dict(model_type="bpe", byte_fallback=True, normalization_rule_name="identity", add_dummy_prefix=False,
                           remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True, pad_id=0,
                           eos_id=1, bos_id=2, unk_id=3, user_defined_symbols=["<mask>", "<start_of_turn>", "\n\n"]),
    "words": dict(model_type="word"), "characters": dict(model_type="char"),
}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return {name: train(folder / (name.replace(" ", "-") + ".model"), **settings) for name, settings in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_plain(models, name):
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(models[name]))
    ours = Tokenizer(models[name], "kind: sentencepiece", 4096)
    many = texts(1)
    assert not differences(ours, lambda t: theirs.encode(t)[:4096], many, TIES)
    used = {k for t in many[:500] for k in ours(t)}
    assert len(used) > 200 and ours.vocab_size == theirs.get_piece_size()


def test_ids_around_a_text(models):
    theirs = sentencepiece.SentencePieceProcessor(model_file=str(models["bpe like gemma"]))
    ours = Tokenizer(models["bpe like gemma"], "kind: sentencepiece\nbos: 2\neos: 1\npad: 0", 12)
    assert not differences(ours, lambda t: [2] + theirs.encode(t)[:10] + [1], texts(2, 300))
    ours = Tokenizer(models["bpe like gemma"], "kind: sentencepiece\nbos: none\neos: 1\npad: 0\nclean: lower", 12)
    assert ours("  Chest\tX-RAY ") == theirs.encode("chest x-ray")[:11] + [1] and ours.pad == 0


@pytest.mark.parametrize("name, length", [("unigram", 64), ("unigram", 7), ("unigram with bytes", 512), ("bpe", 64)])
def test_siglip(models, name, length):
    theirs = SiglipTokenizer(str(models[name]), model_max_length=length)
    ours = Tokenizer(models[name], "kind: sentencepiece\nvariant: siglip", length)
    many = texts(3) + with_specials(4, ["</s>", "<unk>"]) + ["</s>", "a </s>", "</s></s>", "\u2581</s>", "\u2581", "", "_", "<S>", "\u0130</S>"]
    assert not differences(ours, lambda t: theirs(t, truncation=True)["input_ids"], many, TIES)
    assert ours.pad == theirs.pad_token_id
    assert any(ours(t) != Tokenizer(models[name], "kind: sentencepiece\neos: 1", length)(t) for t in many[:50])


@pytest.mark.parametrize("name", ["unigram with bytes", "bpe"])
def test_xlm_roberta(models, name):
    theirs = XLMRobertaTokenizer(str(models[name]), model_max_length=64)
    ours = Tokenizer(models[name], "kind: sentencepiece\nvariant: xlm-roberta")
    many = texts(5) + with_specials(6, ["<s>", "</s>", "<pad>", "<unk>", "<mask>"])
    assert not differences(ours, lambda t: theirs(t, truncation=True)["input_ids"], many, TIES)
    assert ours.pad == 1 and ours.vocab_size == len(theirs)


def test_t5(models):
    theirs = T5Tokenizer(str(models["unigram"]), extra_ids=0, legacy=True, model_max_length=64)
    ours = Tokenizer(models["unigram"], "kind: sentencepiece\neos: 1\npad: 0")
    assert not differences(ours, lambda t: theirs(t, truncation=True)["input_ids"], texts(7, 500))


def broken(path, model, change):
    proto = pb.ModelProto.FromString(model.read_bytes())
    change(proto)
    path.write_bytes(proto.SerializeToString())
    return path


def test_tables_that_lead_out_of_themselves(models, tmp_path):
    """The library believes them and would read elsewhere."""
    table = pb.ModelProto.FromString(models["unigram"].read_bytes()).normalizer_spec.precompiled_charsmap
    for at, byte, message in [(7, 0x7F, "leads to"), (3, 0x7F, "of which"), (len(table) - 1, 0x41, "does not end")]:
        def change(proto, at=at, byte=byte):
            proto.normalizer_spec.precompiled_charsmap = table[:at] + bytes([byte]) + table[at + 1:]
        with pytest.raises(ValueError) as error:
            Tokenizer(broken(tmp_path / "m", models["unigram"], change), "kind: sentencepiece")
        assert str(error.value).startswith(f"{tmp_path}/m: table of characters: ") and message in str(error.value)


@pytest.mark.parametrize("change, message", [
    (lambda p: p.ClearField("pieces"), "SentencePiece: "),
    (lambda p: p.pieces.add(piece="a", score=0) and p.pieces.add(piece="a", score=0), "SentencePiece: "),
    (lambda p: p.pieces.add(piece="", score=0), "SentencePiece: "),
])
def test_models_that_are_none(models, tmp_path, change, message):
    with pytest.raises(ValueError) as error:
        Tokenizer(broken(tmp_path / "m", models["bpe"], change), "kind: sentencepiece")
    assert str(error.value).startswith(f"{tmp_path}/m: {message}") and "\n" not in str(error.value)


@pytest.mark.parametrize("content, message", [
    (b"", "SentencePiece: "), (b"hello", "byte 2 is no field of a protocol buffer (a SentencePiece model is one)"),
    (b"\x1a\x05\x12\x03abc", "table of characters: 3 bytes, of which 0 are its array"),
])
def test_files_that_are_none(tmp_path, content, message):
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(ValueError) as error:
        Tokenizer(tmp_path / "m", "kind: sentencepiece")
    assert str(error.value).startswith(f"{tmp_path}/m: {message}")


@pytest.mark.parametrize("settings, message", [
    ("pad: 70000", "pad is 70000, but "), ("variant: siglip", "no piece '</s>'"), ("bos: nobody", "line 2: 'nobody' is not a whole number"),
    ("pad: none", "line 2: 'none' is not a whole number"),
])
def test_settings_that_do_not_fit(models, tmp_path, settings, message):
    path = broken(tmp_path / "m", models["bpe"], lambda p: setattr(p.pieces[2], "piece", "<end>"))
    with pytest.raises(ValueError) as error:
        Tokenizer(path, "kind: sentencepiece\n" + settings)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["unigram", "bpe", "bpe like gemma"])
def test_a_megabyte_takes_about_a_second(models, name):
    ours = Tokenizer(models[name], "kind: sentencepiece\nvariant: siglip" if name == "unigram" else "kind: sentencepiece")
    begin = time.process_time()
    for text in ("a" * 1_000_000, "a\u0301\u0327" * 200_000, "</s>" * 250_000, " " * 1_000_000, "\U0001F468\u200d" * 140_000):
        assert len(ours(text)) <= 64
    assert time.process_time() - begin < 30
