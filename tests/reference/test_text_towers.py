# SPDX-License-Identifier: BSD-3-Clause
"""Protects: the family bert as each system uses it (names of the tensors, positions, token types, activation, pooling, head)
against the reference program, layer by layer, in float32 and float64.

Reference: transformers (ALIGN, AltCLIP, BLIP, BLIP-2, Chinese CLIP, VisionTextDualEncoder; BERT, RoBERTa, XLM-R inside the others),
open_clip's HFTextEncoder, health_multimodal's CXRBertModel. GLoRIA, CXR-CLIP, FLAIR, KEEP, PMC-CLIP and UniMed-CLIP cannot be
installed: their formulas (docs/MODELS.md) stand here in torch, behind transformers' BertModel.

Every case names faults: changed keys of its section, each of which must go beyond ten times the bound or be refused."""
import types

import numpy as np
import pytest
import torch
import transformers
from open_clip.hf_model import HFTextEncoder

from towers_lib import STAGE_BOUND, TextTower, UNIT_BOUND, assert_close, assert_stages, redraw, save, unit

transformers.logging.set_verbosity_error()
SMALL = dict(hidden_size=36, num_hidden_layers=3, num_attention_heads=3, intermediate_size=50, vocab_size=90, max_position_embeddings=40)
VISION = dict(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=16, patch_size=8)
BERT = dict(family="bert", layers=3, width=36, heads=3, intermediate=50, vocab_size=90, positions=40, token_types=2,
            layer_norm_eps=1e-12, pooling="class")
ROBERTA = BERT | dict(token_types=1, layer_norm_eps=1e-5, pad_id=1)
PAD = {"roberta": 1, "xlm-roberta": 1}
LONGEST = 19


def texts(pad, seed=3):
    """Ids [9, LONGEST] without the padding id inside, padded behind, and how many are used: one alone, all, and between."""
    random = np.random.default_rng(seed)
    lengths = np.array([2, 3, 5, 7, 8, 11, 13, 18, LONGEST])
    ids = random.integers(2, SMALL["vocab_size"], (len(lengths), LONGEST))
    ids[:, 0] = 2
    for row, n in zip(ids, lengths):
        row[n:] = pad
    return ids, lengths


class Case:
    """module: what holds the weights. forward(ids, mask) -> features [T, D]; bert() -> the module whose hidden states are compared."""

    def __init__(self, module, section, forward, bert, faults, names=None, pad=0, keeps_length=True):
        self.module, self.section, self.forward, self.bert, self.faults = redraw(module, gain=1.2, shared=0.3), section, forward, bert, faults
        self.names, self.pad, self.keeps_length = names or (lambda name: name), pad, keeps_length

    def state(self):
        return {self.names(name): value for name, value in self.module.state_dict().items() if self.names(name)}

    def reference(self, ids, mask, dtype):
        """Features [T, D], hidden states [layers + 1] of [T, L, C]."""
        kept = []
        hooks = [m.register_forward_hook(lambda _m, _i, out: kept.append(out[0] if isinstance(out, tuple) else out))
                 for m in self.bert(self.module)]
        self.module.to(dtype)
        with torch.no_grad():
            features = self.forward(self.module, torch.as_tensor(ids), torch.as_tensor(mask))
        self.module.to(torch.float32)
        for hook in hooks:
            hook.remove()
        return features.numpy(), [k.numpy() for k in kept]


def blocks(path):
    """The embeddings and the blocks of the BERT at `path`."""
    def find(module):
        bert = module.get_submodule(path)
        return [bert.embeddings, *bert.encoder.layer]
    return find


def transformers_model(kind, config):
    torch.manual_seed(0)
    return kind(config)


def features_of(module, ids, mask):
    return module.get_text_features(input_ids=ids, attention_mask=mask)


def align():
    model = transformers_model(transformers.AlignModel, transformers.AlignConfig(
        text_config=SMALL, vision_config=dict(width_coefficient=0.1, depth_coefficient=0.1, hidden_dim=16), projection_dim=24))
    head = [dict(linear="text_projection", width=24)]
    return Case(model, BERT | dict(prefix="text_model.", head=head, output_width=24), features_of, blocks("text_model"), {
        "no bias": dict(head=[dict(linear="text_projection", width=24, bias=False)]), "pooler_output": dict(pooling="pooler"),
        "quick GELU": dict(activation="quick-gelu")})


def alt_clip():
    model = transformers_model(transformers.AltCLIPModel, transformers.AltCLIPConfig(
        text_config=SMALL | dict(project_dim=20, pad_token_id=1), vision_config=VISION, projection_dim=24))
    head = [dict(norm="text_model.pre_LN", eps=1e-5), dict(linear="text_model.transformation", width=20),
            dict(linear="text_projection", width=24, bias=False)]
    return Case(model, ROBERTA | dict(prefix="text_model.roberta.", head=head, output_width=24), features_of,
                blocks("text_model.roberta"), {"no norm": dict(head=head[1:]), "mean": dict(pooling="mean"), "positions from 0": dict(pad_id=None)},
                pad=1)


def chinese_clip():
    """get_text_features of 4.57 asks for a pooler that the model has not: forward's text_embeds are what is meant."""
    model = transformers_model(transformers.ChineseCLIPModel, transformers.ChineseCLIPConfig(
        text_config=SMALL | dict(hidden_act="gelu"), vision_config=VISION, projection_dim=24))

    def forward(module, ids, mask):
        return module.text_projection(module.text_model(input_ids=ids, attention_mask=mask)[0][:, 0])
    return Case(model, BERT | dict(prefix="text_model.", projection="text_projection.weight", output_width=24), forward,
                blocks("text_model"), {"quick GELU": dict(activation="quick-gelu"), "the last row": dict(pooling="end")})


def dual_encoder():
    config = transformers.VisionTextDualEncoderConfig.from_vision_text_configs(
        transformers.ViTConfig(**VISION), transformers.BertConfig(**SMALL, hidden_act="relu"), projection_dim=24)
    model = transformers_model(transformers.VisionTextDualEncoderModel, config)
    section = BERT | dict(prefix="text_model.", activation="relu", pooling="pooler", projection="text_projection.weight", output_width=24)
    return Case(model, section, features_of, blocks("text_model"), {"GELU": dict(activation="gelu"), "[CLS] alone": dict(pooling="class")})


def blip():
    model = transformers_model(transformers.BlipForImageTextRetrieval, transformers.BlipConfig(
        text_config=SMALL, vision_config=VISION, image_text_hidden_size=24))

    def forward(module, ids, mask):
        return module.text_proj(module.text_encoder(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0])
    section = BERT | dict(prefix="text_encoder.", token_types=0, head=[dict(linear="text_proj", width=24)], output_width=24)
    return Case(model, section, forward, blocks("text_encoder"),
                {"padding seen": dict(attend_padding=True), "eps": dict(layer_norm_eps=1e-2)})


def blip_model():
    model = transformers_model(transformers.BlipModel, transformers.BlipConfig(text_config=SMALL, vision_config=VISION, projection_dim=24))
    section = BERT | dict(prefix="text_model.", token_types=0, pooling="pooler", projection="text_projection.weight", output_width=24)
    return Case(model, section, features_of, blocks("text_model"), {"[CLS] alone": dict(pooling="class")})


def blip2_model():
    config = SMALL | dict(encoder_hidden_size=16, use_qformer_text_input=True, cross_attention_frequency=2)
    return transformers_model(transformers.Blip2ForImageTextRetrieval, transformers.Blip2Config(
        vision_config=VISION, qformer_config=config, image_text_hidden_size=24, num_query_tokens=5))


def blip2():
    def forward(module, ids, mask):
        embedded = module.embeddings(input_ids=ids)
        states = module.qformer(query_embeds=embedded, query_length=0, attention_mask=mask).last_hidden_state
        return module.text_projection(states[:, 0])
    section = BERT | dict(layout="hf-blip2", token_types=0, head=[dict(linear="text_projection", width=24)], output_width=24)
    return Case(blip2_model(), section, forward, lambda m: [m.qformer.layernorm, *m.qformer.encoder.layer],
                {"padding seen": dict(attend_padding=True), "the other names": dict(layout="bert")})


def blip2_of_lavis():
    """The same weights under LAVIS' names: one BertModel, `Qformer.bert.`, as its conversion to transformers has them."""
    case = blip2()

    def names(name):
        if name.startswith("embeddings."):
            return "Qformer.bert." + name
        name = name.replace("qformer.layernorm", "Qformer.bert.embeddings.LayerNorm").replace("qformer.encoder", "Qformer.bert.encoder")
        return name.replace("attention.attention", "attention.self").replace("text_projection", "text_proj")
    section = BERT | dict(prefix="Qformer.bert.", token_types=0, head=[dict(linear="text_proj", width=24)], output_width=24)
    return Case(blip2_model(), section, case.forward, case.bert, {"padding seen": dict(attend_padding=True)}, names)


def cxr_bert():
    from health_multimodal.text.model import CXRBertConfig, CXRBertModel
    model = transformers_model(CXRBertModel, CXRBertConfig(**SMALL, projection_size=20))

    def forward(module, ids, mask):
        return module.get_projected_text_embeddings(input_ids=ids, attention_mask=mask, normalize_embeddings=False)
    head = [dict(linear="cls_projection_head.dense_to_hidden", width=20, activation="gelu"),
            dict(norm="cls_projection_head.LayerNorm", eps=1e-12), dict(linear="cls_projection_head.dense_to_output", width=20)]
    return Case(model, BERT | dict(prefix="bert.", head=head, output_width=20), forward, blocks("bert"), {
        "no norm": dict(head=head[::2]), "no GELU": dict(head=[head[0] | dict(activation="none"), *head[1:]])})


def open_clip(kind, pooler, proj, width=24, **more):
    """open_clip's tower, made without the network from a configuration of transformers."""
    config = transformers.AutoConfig.for_model(kind, **SMALL | dict(pad_token_id=PAD.get(kind, 0)) | more)
    torch.manual_seed(0)
    return HFTextEncoder("", width, config, pooler_type=pooler, proj_type=proj)


def open_clip_case(kind, pooler, proj, section, faults, prefix="text.", **more):
    module = torch.nn.ModuleDict({prefix[:-1]: open_clip(kind, pooler, proj, **more)})
    return Case(module, section, lambda module, ids, _mask: module[prefix[:-1]](ids), blocks(prefix + "transformer"), faults,
                pad=PAD.get(kind, 0))


def mlp_head(prefix, hidden=30, width=24):
    return [dict(linear=f"{prefix}proj.0", width=hidden, bias=False, activation="gelu"),
            dict(linear=f"{prefix}proj.2", width=width, bias=False)]


def open_clip_roberta():
    section = ROBERTA | dict(prefix="text.transformer.", pooling="mean", projection="text.proj.weight", output_width=24)
    return open_clip_case("roberta", "mean_pooler", "linear", section,
                          {"positions from 0": dict(pad_id=None), "positions from 1": dict(pad_id=0), "all positions": dict(pooling="mean-all"),
                           "[CLS] alone": dict(pooling="class")}, type_vocab_size=1, layer_norm_eps=1e-5)


def open_clip_xlm_roberta():
    section = ROBERTA | dict(prefix="text.transformer.", pooling="mean", head=mlp_head("text."), output_width=24, activation="gelu-tanh")
    return open_clip_case("xlm-roberta", None, "mlp", section, {"exact GELU": dict(activation="gelu")},
                          type_vocab_size=1, layer_norm_eps=1e-5, hidden_act="gelu_new")


def biomed_clip():
    section = BERT | dict(prefix="text.transformer.", head=mlp_head("text."), output_width=24)
    no_gelu = [mlp_head("text.")[0] | dict(activation="none"), mlp_head("text.")[1]]
    return open_clip_case("bert", "cls_last_hidden_state_pooler", "mlp", section,
                          {"no GELU": dict(head=no_gelu), "pooler_output": dict(pooling="pooler"), "padding seen": dict(attend_padding=True)})


def open_clip_bert_pooler():
    section = BERT | dict(prefix="text.transformer.", pooling="pooler", projection="text.proj.weight", output_width=24)
    return open_clip_case("bert", "cls_pooler", "linear", section, {"[CLS] alone": dict(pooling="class")})


def concept_clip():
    """ConceptCLIP's text tower: open_clip's BERT, its default pooler taken as the mean, one matrix."""
    section = BERT | dict(prefix="text.transformer.", pooling="mean", projection="text.proj.weight", output_width=24)
    return open_clip_case("bert", "mean_pooler", "linear", section, {"all positions": dict(pooling="mean-all")})


class Bert(torch.nn.Module):
    """BertModel under a prefix, with layers behind it; formula(module, output, mask) -> features."""

    def __init__(self, path, formula, layers=None, **config):
        super().__init__()
        torch.manual_seed(0)
        for name, module in {path: transformers.BertModel(transformers.BertConfig(**SMALL | config)), **(layers or {})}.items():
            *folders, last = name.split(".")
            at = self
            for folder in folders:
                if not hasattr(at, folder):
                    at.add_module(folder, torch.nn.Module())
                at = getattr(at, folder)
            setattr(at, last, module)
        self.path, self.formula, self.masked = path, formula, True

    def forward(self, ids, mask):
        bert = self.get_submodule(self.path)
        output = bert(input_ids=ids, attention_mask=mask if self.masked else None, output_hidden_states=True)
        return self.formula(self, output, mask)


def formula_case(path, formula, section, faults, layers=None, masked=True, keeps_length=True, **config):
    module = Bert(path, formula, layers, **config)
    module.masked = masked
    return Case(module, section | dict(prefix=path + "."), lambda module, ids, mask: module(ids, mask), blocks(path), faults,
                keeps_length=keeps_length)


def uni_med_clip():
    projection = torch.nn.Sequential(torch.nn.Linear(36, 30, bias=False), torch.nn.GELU(), torch.nn.Linear(30, 24, bias=False))
    return formula_case("text_encoder.transformer", lambda m, out, _mask: m.text_encoder.proj(out.last_hidden_state[:, 0]),
                        BERT | dict(head=mlp_head("text_encoder."), output_width=24), {"mean": dict(pooling="mean")},
                        {"text_encoder.proj": projection})


def keep():
    return formula_case("text", lambda _m, out, _mask: out.pooler_output, BERT | dict(pooling="pooler"), {"[CLS] alone": dict(pooling="class")})


def pmc_clip():
    """The authors' way: no mask, so padding is attended to; text_projection is a parameter [width, embedding]."""
    def formula(module, out, _mask):
        return out.last_hidden_state[:, 0] @ module.text_projection
    case = formula_case("text_encoder", formula, BERT | dict(attend_padding=True, projection="text_projection", output_width=24,
                                                             projection_order="input-output"),
                        {"masked": dict(attend_padding=False), "pooler_output": dict(pooling="pooler")},
                        {"text_projection": torch.nn.Parameter(torch.empty(36, 24))}, masked=False)
    return case


def cxr_clip():
    """The row of [SEP]: the last attended position."""
    def formula(module, out, mask):
        states = out.last_hidden_state
        return module.text_projection.projection(states[torch.arange(len(states)), mask.sum(1) - 1])
    return formula_case("text_encoder.text_encoder", formula,
                        BERT | dict(pooling="end", head=[dict(linear="text_projection.projection", width=24)], output_width=24),
                        {"[CLS]": dict(pooling="class")}, {"text_projection.projection": torch.nn.Linear(36, 24)})


def flair():
    """Mean over all positions of layers 1, 2, last; length 1, then the matrix: the length falls out of the unit embedding."""
    def formula(module, out, _mask):
        h = out.hidden_states
        pooled = torch.stack([h[1], h[2], h[-1]]).permute(1, 0, 2, 3).mean(2).mean(1)
        return module.text_model.projection_head_text.projection(pooled / pooled.norm(dim=-1, keepdim=True))
    return formula_case("text_model.model", formula,
                        BERT | dict(pooling="layers-1-2-last", projection="text_model.projection_head_text.projection.weight", output_width=24),
                        {"the last layer alone": dict(pooling="mean-all")},
                        {"text_model.projection_head_text.projection": torch.nn.Linear(36, 24, bias=False)}, keeps_length=False)


def gloria_sentence(hidden, mask, continues):
    """models.md 4.4, word by word: pieces of a word are summed, the rest of the positions is zero, the mean is over all of them, the
    last four layers are summed. hidden: layers of [T, L, C]; continues [T, L]: the piece begins with ##."""
    embeddings = torch.stack(hidden[-4:])
    out = torch.zeros(embeddings.shape[1], embeddings.shape[0], *embeddings.shape[2:], dtype=embeddings.dtype)  # [T, 4, L, C]
    for t, (used, joins) in enumerate(zip(mask.sum(1), continues)):
        word = -1
        for i in range(int(used)):
            word += 0 if joins[i] and 0 < i < int(used) - 1 else 1
            out[t, :, word] += embeddings[:, t, i]
    return out.mean(2).sum(1)


def gloria():
    def formula(_module, out, mask):
        continues = np.random.default_rng(5).random(mask.shape) < 0.4
        return gloria_sentence(out.hidden_states, mask, continues)
    return formula_case("text_encoder.model", formula, BERT | dict(layers=5, pooling="sum-last-4"),
                        {"the last layer alone": dict(pooling="mean"), "padding counted": dict(pooling="mean-all"), "first": dict(pooling="class")},
                        num_hidden_layers=5)


CASES = [align, alt_clip, chinese_clip, dual_encoder, blip, blip_model, blip2, blip2_of_lavis, cxr_bert, open_clip_roberta,
         open_clip_xlm_roberta, biomed_clip, open_clip_bert_pooler, concept_clip, uni_med_clip, keep, pmc_clip, cxr_clip, flair, gloria]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: case.__name__.replace("_", "-"))
def made(request, tmp_path_factory):
    case = request.param()
    return case, save(case.state(), tmp_path_factory.mktemp("text") / "model.safetensors")


def without_none(section):
    return {key: value for key, value in section.items() if value is not None}


def mask_of(lengths):
    return (np.arange(LONGEST)[None] < np.asarray(lengths)[:, None]).astype(np.int64)


@pytest.mark.parametrize("kernel", ["portable", None])
def test_embeddings(made, kernel):
    case, path = made
    ids, lengths = texts(case.pad)
    single, _ = case.reference(ids, mask_of(lengths), torch.float32)
    double, _ = case.reference(ids, mask_of(lengths), torch.float64)
    with TextTower(path, case.section, kernel) as tower:
        found = tower.run(ids, lengths)
    lengths_of = [np.linalg.norm(features, axis=1) for features in (found, double)]
    if case.keeps_length:
        assert np.abs(lengths_of[0] / lengths_of[1] - 1).max() < 1e-5
    assert_close(found, single, mean_cosine=0.97)
    theirs = np.abs(unit(single) - unit(double)).max()
    ours = assert_close(found, double, mean_cosine=0.97)
    assert ours <= 4 * theirs + 5e-7


def test_layers(made):
    case, path = made
    ids, lengths = texts(case.pad)
    _, hidden = case.reference(ids, mask_of(lengths), torch.float64)
    with TextTower(path, case.section) as tower:
        for t in (0, 4, len(ids) - 1):
            taps = tower.taps(ids[t], lengths[t])
            rows = len(taps["embeddings"])
            assert rows in (lengths[t], LONGEST)
            names = ["embeddings"] + [f"layers.{i}" for i in range(case.section["layers"])]
            assert_stages(taps, {name: state[t, :rows] for name, state in zip(names, hidden, strict=True)}, STAGE_BOUND)


def test_faults_would_be_seen(made):
    case, path = made
    ids, lengths = texts(case.pad)
    expected, _ = case.reference(ids, mask_of(lengths), torch.float64)
    for fault, change in case.faults.items():
        try:
            with TextTower(path, without_none(case.section | change)) as tower:
                found = tower.run(ids, lengths)
        except ValueError as error:
            print(fault, "is refused:", error)
            continue
        assert found.shape != expected.shape or np.abs(unit(found) - unit(expected)).max() > 10 * UNIT_BOUND, fault


def test_positions_skip_a_padding_id_inside_a_text(tmp_path):
    """RoBERTa counts positions over ids other than padding: where a text has one inside, the next id goes on as if it were not there."""
    case = alt_clip()
    ids, lengths = texts(case.pad)
    ids[4:, 3] = case.pad
    expected, _ = case.reference(ids, mask_of(lengths), torch.float64)
    path = save(case.state(), tmp_path / "model.safetensors")
    with TextTower(path, case.section) as tower:
        assert_close(tower.run(ids, lengths), expected)


@pytest.mark.parametrize("change, message", [
    (dict(pooling="layers-1-2-last", layers=1), "line 2: layers is 1 (pooling layers-1-2-last needs 2 at least)"),
    (dict(pooling="sum-last-4"), "layers is 3 (pooling sum-last-4 needs 4 at least)"),
    (dict(pooling="claas"), "no pooling of the family bert 'claas' (did you mean 'class'?)"),
    (dict(activation="gelu-new"), "no activation 'gelu-new'"),
    (dict(layout="hf-blip"), "no layout of the family bert 'hf-blip' (did you mean 'hf-blip2'?)"),
    (dict(pad_id=39), "40 positions, but they begin at pad_id + 1 = 40"),
    (dict(pad_id=90), "line 12: '90' is not a whole number from 0 to 89"),
    (dict(attend_padding=2), "'2' is not true or false"),
])
def test_what_does_not_fit_is_named(tmp_path, change, message):
    path = save(keep().state(), tmp_path / "model.safetensors")
    with pytest.raises(ValueError) as error:
        TextTower(path, BERT | dict(prefix="text.") | change)
    print(error.value)
    assert message in str(error.value)
