# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the BERT text tower's numbers, layer by layer, against transformers' BertModel with MedCLIP's pooling, in PyTorch.

Bounds. Unit embeddings: 5e-6 from PyTorch's float32. Layers: both float32 towers are compared with PyTorch in float64;
ours may be at most twice as far from it as PyTorch's own float32, plus 2e-6 (values are of size 1 after a layer norm).

test_faults_would_be_seen keeps the planted faults: each wrong way to pool is further away than the bound by a factor of
100 or more."""
import ctypes as c
import os
import random

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import save_file
from transformers import BertConfig, BertModel, BertTokenizer

from medprobe_lib import Error, ROOT, lib

torch.set_num_threads(1)
L = lib()
for name in ("mdp_yaml_root", "mdp_yaml_find"):
    getattr(L, name).restype = c.c_void_p
L.mdp_text_tower_width.restype = c.c_size_t
Tap = c.CFUNCTYPE(None, c.c_void_p, c.c_char_p, c.POINTER(c.c_float), c.c_size_t, c.c_size_t)
BOUND = 5e-6
WORDS = """the lung lungs are clear no acute cardiopulmonary abnormality pneumonia consolidation in right left lower upper lobe
pleural effusion small large mild edema cardiomegaly heart size normal is with of and patchy opacity cavity naive cafe tuberculosis
##s ##ly ##ing ##a ##e ##i ##o ##n ##r ##t a b c d e f g h i j k l m n o p q r s t u v w x y z , . - : 肺 炎 结 核""".split()
TEXTS = ["no acute cardiopulmonary abnormality", "the lungs are clear", "", "pneumonia", "Pleural EFFUSION, right lower lobe.",
         "na\u00efve caf\u00e9 \u0301\u0301", "\u80ba\u708e \u7ed3\u6838", "heart size is normal: lungs clear - no effusion",
         "consolidation of the left lower lobe " * 30, " mild  edema ", "xyzzy qqq \u2603", "a", "cavity in the right upper lobe " * 8]


def text_node(config, **more):
    node = dict(family="bert", prefix="text_model.model.", layers=config.num_hidden_layers, width=config.hidden_size,
                heads=config.num_attention_heads, intermediate=config.intermediate_size, vocab_size=config.vocab_size,
                positions=config.max_position_embeddings, token_types=config.type_vocab_size,
                layer_norm_eps=config.layer_norm_eps, pooling="layers-1-2-last", output_width=512,
                projection="text_model.projection_head.weight")
    node.update(more)
    return node


class Model:
    """A random checkpoint, in PyTorch and as a file; weights so large that texts differ."""

    def __init__(self, folder, seed=0, projection=512, **config):
        torch.manual_seed(seed)
        self.config = BertConfig(**{"hidden_size": 48, "num_hidden_layers": 3, "num_attention_heads": 3, "intermediate_size": 96,
                                    "vocab_size": len(WORDS) + 5, "max_position_embeddings": 80, "layer_norm_eps": 1e-12, **config})
        self.model = BertModel(self.config).eval()
        self.head = torch.nn.Linear(self.config.hidden_size, projection, bias=False)
        width = self.config.hidden_size
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                if "LayerNorm.weight" in name:
                    p.uniform_(0.5, 1.5)
                elif "LayerNorm.bias" in name or name.endswith("bias"):
                    p.normal_(0, 0.1)
                elif "embeddings" in name:
                    p.normal_(0, 1)
                else:
                    p.normal_(0, (1.5 if "query" in name or "key" in name else 1.0) * width ** -0.5)
        state = {f"text_model.model.{k}": v.contiguous() for k, v in self.model.state_dict().items()}
        state["text_model.model.embeddings.position_ids"] = torch.arange(self.config.max_position_embeddings)[None]
        state["text_model.projection_head.weight"] = self.head.weight.detach()
        self.path = folder / "model.safetensors"
        save_file(state, self.path)
        self.node = text_node(self.config, output_width=projection)

    def reference(self, ids, mask, dtype=torch.float32):
        """hidden states [layers + 1] of [T, L, C] and the pooler's output."""
        model = self.model.to(dtype)
        with torch.no_grad():
            out = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        self.model.to(torch.float32)
        return [h for h in out.hidden_states], out.pooler_output

    def embed(self, hidden, pooler, pooling):
        with torch.no_grad():
            if pooling == "pooler":
                pooled = pooler
            else:  # MedCLIPTextModel.forward: stack, permute, mean over positions, mean over layers
                pooled = torch.stack([hidden[1], hidden[2], hidden[-1]]).permute(1, 0, 2, 3).mean(2).mean(1)
            return unit(torch.nn.functional.linear(pooled, self.head.weight.to(pooled.dtype)))


def unit(x):
    return (x / x.norm(dim=-1, keepdim=True)).numpy()


class Tower:
    def __init__(self, path, node, pooling=None):
        err, doc, weights, self.at = Error(), c.c_void_p(), c.c_void_p(), c.c_void_p()
        text = "".join(f"{k}: {v}\n" for k, v in node.items()).encode()
        assert L.mdp_yaml_parse(text, c.c_size_t(len(text)), b"m.yaml", c.byref(doc), c.byref(err)) == 0, err.message
        assert L.mdp_weights_open(os.fsencode(path), c.byref(weights), c.byref(err)) == 0, err.message
        status = L.mdp_text_tower_new(doc, c.c_void_p(L.mdp_yaml_root(doc)), pooling and pooling.encode(), weights,
                                      c.byref(self.at), c.byref(err))
        L.mdp_yaml_free(doc)       # neither is needed any more
        L.mdp_weights_close(weights)
        if status:
            raise ValueError(err.message.decode())

    def __call__(self, ids, lengths, threads=1, taps=None):
        err = Error()
        ids = np.ascontiguousarray(ids, np.int32)
        out = np.full((len(ids), L.mdp_text_tower_width(self.at)), np.nan, np.float32)
        tap = Tap(lambda _, name, values, rows, columns: taps.setdefault(name.decode(), []).append(
            np.ctypeslib.as_array(values, (rows, columns)).copy()) if taps is not None else None)
        status = L.mdp_text_tower_run(self.at, ids.ctypes.data_as(c.c_void_p), (c.c_size_t * len(lengths))(*lengths),
                                      c.c_size_t(len(ids)), c.c_size_t(ids.shape[1]), c.c_size_t(threads),
                                      out.ctypes.data_as(c.c_void_p), tap if taps is not None else None, None, c.byref(err))
        if status:
            raise ValueError(err.message.decode())
        return out

    def __del__(self):
        L.mdp_text_tower_free(self.at)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bert")
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + WORDS) + "\n", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def tokenizer(folder):
    t = BertTokenizer(str(folder / "vocab.txt"))
    t.model_max_length = 77
    t.path = folder / "vocab.txt"
    return t


def batch(tokenizer, texts):
    """By our tokenizer, and checked against the reference's padded batch."""
    t = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
    ids, lengths, longest = our_batch(tokenizer.path, texts)
    assert ids.tolist() == t.input_ids.tolist() and lengths == t.attention_mask.sum(1).tolist() and longest == t.input_ids.shape[1]
    return t.input_ids, t.attention_mask, lengths


def our_batch(vocab, texts):
    err, doc, at, ids, longest = Error(), c.c_void_p(), c.c_void_p(), c.POINTER(c.c_int32)(), c.c_size_t()
    text = b"kind: wordpiece\nmax_length: 77\n"
    assert L.mdp_yaml_parse(text, c.c_size_t(len(text)), b"t.yaml", c.byref(doc), c.byref(err)) == 0
    assert L.mdp_tokenizer_new(doc, c.c_void_p(L.mdp_yaml_root(doc)), os.fsencode(vocab), c.byref(at),
                               c.byref(err)) == 0, err.message
    lengths = (c.c_size_t * len(texts))()
    assert L.mdp_tokenize_batch(at, (c.c_char_p * len(texts))(*[t.encode() for t in texts]), c.c_size_t(len(texts)), c.byref(ids),
                                lengths, c.byref(longest), c.byref(err)) == 0, err.message
    out = np.ctypeslib.as_array(ids, (len(texts), longest.value)).copy()
    L.mdp_tokenizer_free(at)
    L.mdp_yaml_free(doc)
    return out, list(lengths), longest.value


@pytest.fixture(scope="module")
def small(folder):
    return Model(folder, num_hidden_layers=4)


def batches(r):
    """Classes of prompts: one alone, short ones, mixed ones with a long one."""
    return [[t] for t in TEXTS] + [TEXTS] + [r.sample(TEXTS, r.randrange(2, 6)) for _ in range(6)]


VARIANTS = [dict(), dict(num_hidden_layers=2, hidden_size=40, num_attention_heads=5, intermediate_size=72),
            dict(num_hidden_layers=4, hidden_size=64, num_attention_heads=1, intermediate_size=33, type_vocab_size=1, layer_norm_eps=1e-5)]


@pytest.mark.parametrize("kernel", ["portable", None])
@pytest.mark.parametrize("variant", range(len(VARIANTS)))
@pytest.mark.parametrize("pooling", ["layers-1-2-last", "pooler"])
def test_embeddings(tmp_path, tokenizer, monkeypatch, variant, pooling, kernel):
    if kernel:
        monkeypatch.setenv("MEDPROBE_KERNEL", kernel)
    model = Model(tmp_path, seed=variant, projection=[512, 24, 7][variant], **VARIANTS[variant])
    tower = Tower(model.path, model.node | {"pooling": pooling})
    worst, spread = 0, []
    for texts in batches(random.Random(variant)):
        ids, mask, lengths = batch(tokenizer, texts)
        expected = model.embed(*model.reference(ids, mask), pooling)
        features = torch.from_numpy(tower(ids, lengths))
        worst = max(worst, np.abs(unit(features) - expected).max())
        spread.append(expected[0])
    spread = np.array(spread) @ np.array(spread).T
    print("largest difference", worst, "mean cosine", spread.mean())
    assert worst <= BOUND
    assert spread[np.triu_indices(len(spread), 1)].mean() < 0.9  # the texts do differ


def test_layer_by_layer(small, tokenizer):
    tower = Tower(small.path, small.node)
    ids, mask, lengths = batch(tokenizer, TEXTS)
    taps = {}
    features = tower(ids, lengths, taps=taps)
    single, _ = small.reference(ids, mask)
    double, _ = small.reference(ids, mask, torch.float64)
    names = ["embeddings"] + [f"layers.{i}" for i in range(small.config.num_hidden_layers)]
    assert list(taps) == names + ["pooled", "features"]
    for name, s, d in zip(names, single, double):
        ours = np.abs(np.array(taps[name]) - d.numpy()).max()
        theirs = np.abs(s.numpy() - d.numpy()).max()
        print(name, ours, theirs)
        assert ours <= 2 * theirs + 2e-6, name
    assert np.array_equal(np.array(taps["features"])[:, 0], features)


def test_pooling_can_be_overridden(small, tokenizer):
    ids, mask, lengths = batch(tokenizer, TEXTS)
    by_option = Tower(small.path, small.node, "pooler")(ids, lengths)
    assert np.array_equal(by_option, Tower(small.path, small.node | {"pooling": "pooler"})(ids, lengths))
    assert not np.allclose(by_option, Tower(small.path, small.node)(ids, lengths))


def test_without_projection(small, tokenizer):
    ids, mask, lengths = batch(tokenizer, TEXTS)
    node = {k: v for k, v in small.node.items() if k not in ("projection", "output_width")}
    hidden, _ = small.reference(ids, mask)
    expected = torch.stack([hidden[1], hidden[2], hidden[-1]]).mean((0, 2)).numpy()
    assert np.abs(Tower(small.path, node)(ids, lengths) - expected).max() < 2e-6


def test_bytes_do_not_depend_on_threads(small, tokenizer):
    tower = Tower(small.path, small.node)
    ids, _, lengths = batch(tokenizer, TEXTS)
    once = tower(ids, lengths)
    for threads in (1, 2, 3, 50):
        assert tower(ids, lengths, threads).tobytes() == once.tobytes()
    # A text alone, padded as far, is the same too.
    for t in range(len(TEXTS)):
        assert tower(ids[t:t + 1], lengths[t:t + 1]).tobytes() == once[t:t + 1].tobytes()


def test_faults_would_be_seen(small, tokenizer):
    """The padding matters, the layers matter, the mask matters: each wrong way differs by far more than the bound."""
    ids, mask, lengths = batch(tokenizer, TEXTS)
    ours = unit(torch.from_numpy(Tower(small.path, small.node)(ids, lengths)))
    hidden, pooler = small.reference(ids, mask)
    assert np.abs(ours - small.embed(hidden, pooler, "layers-1-2-last")).max() <= BOUND
    keep = mask[:, None, :, None].float()
    stacked = torch.stack([hidden[1], hidden[2], hidden[-1]]).permute(1, 0, 2, 3)
    unmasked, _ = small.reference(ids, torch.ones_like(mask))
    wrong = {
        "padding left out of the mean": (stacked * keep).sum(2).div(keep.sum(2)).mean(1),
        "layers 0, 1, last": torch.stack([hidden[0], hidden[1], hidden[-1]]).mean((0, 2)),
        "the last three layers": torch.stack(list(hidden[-3:])).mean((0, 2)),
        "the last layer alone": hidden[-1].mean(1),
        "padding attended to": torch.stack([unmasked[1], unmasked[2], unmasked[-1]]).mean((0, 2)),
    }
    for fault, pooled in wrong.items():
        with torch.no_grad():
            assert np.abs(ours - unit(small.head(pooled))).max() > 100 * BOUND, fault


@pytest.mark.parametrize("change, message", [
    (dict(family="none-such"), "no family of text towers 'none-such' (there are bert"),
    (dict(family="brt"), "no family of text towers 'brt' (did you mean 'bert'?)"),
    (dict(pooling="none-such"), "no pooling of the family bert 'none-such' (there are layers-1-2-last, pooler, class, "),
    (dict(heads=5), "width 48 is no multiple of 5 heads"),
    (dict(depth=5), "unknown key 'depth'"),
    (dict(layers=5), "tensor 'text_model.model.encoder.layer.4.attention.self.query.weight'"),
    (dict(vocab_size=99), "tensor 'text_model.model.embeddings.word_embeddings.weight'"),
    (dict(projection="nothing"), "tensor 'nothing'"),
    (dict(output_width=511), "tensor 'text_model.projection_head.weight'"),
])
def test_what_does_not_fit_is_named(small, change, message):
    with pytest.raises(ValueError) as error:
        Tower(small.path, small.node | change)
    print(error.value)
    assert message in str(error.value) or message.replace("tensor ", "") in str(error.value)


def test_wrong_use_is_named(small, tokenizer):
    tower = Tower(small.path, small.node)
    with pytest.raises(ValueError, match="id 130 is outside the text tower's vocabulary of"):
        tower([[2, 130, 3]], [3])
    with pytest.raises(ValueError, match="texts of 81 ids, but the text tower has 80 positions"):
        tower([[2] * 81], [81])
    with pytest.raises(ValueError, match=r"no text pooling 'cls' for this model \(there is layers-1-2-last, pooler, class, end, "
                                         r"mean, mean-all, max, sum-last-4\)"):
        Tower(small.path, small.node, "cls")
    with pytest.raises(ValueError, match=r"no text pooling 'pooler' for this model \(there is layers-1-2-last\)"):
        Tower(small.path, small.node | {"poolings": "[layers-1-2-last]"}, "pooler")


def test_features_that_are_not_finite_are_an_error(folder, tmp_path, tokenizer):
    model = Model(tmp_path)
    from safetensors.torch import load_file
    state = load_file(model.path)
    state["text_model.projection_head.weight"][3, 5] = float("inf")
    save_file(state, model.path)
    with pytest.raises(ValueError, match="text 1: the tower's output is not finite"):
        Tower(model.path, model.node)([[2, 3]], [2])


def test_the_published_shape(tmp_path, tokenizer):
    """BERT-base (12 layers of 768, 12 heads, 3072, 28996 pieces, 512 positions), by the model's own YAML."""
    card = yaml.safe_load((ROOT / "configs/models/medclip-vit.yaml").read_text())
    model = Model(tmp_path, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072,
                  vocab_size=28996, max_position_embeddings=512)
    assert {k: v for k, v in card["text"].items() if k != "poolings"} == model.node
    towers = {p: Tower(model.path, model.node, p) for p in card["text"]["poolings"]}
    os.remove(model.path)
    for texts in (TEXTS[:5], TEXTS[4:9]):
        ids, mask, lengths = batch(tokenizer, texts)
        reference = model.reference(ids, mask)
        for pooling, tower in towers.items():
            expected = model.embed(*reference, pooling)
            found = unit(torch.from_numpy(tower(ids, lengths)))
            print(pooling, ids.shape, "largest difference", np.abs(found - expected).max(),
                  "mean cosine", (expected @ expected.T)[np.triu_indices(len(texts), 1)].mean())
            assert np.abs(found - expected).max() <= BOUND
