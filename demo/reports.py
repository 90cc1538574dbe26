# SPDX-License-Identifier: BSD-3-Clause
"""Sentences that a reader might write about a phantom, and the vocabulary they are made of.

A report is put together from the manifest's `findings` column ("upper_lobe_cavity:right:upper:0.73|nodules:0.40"),
so a picture has many reports. Every word comes from the phrase tables below; `vocabulary()` collects them.
"""
import re

LEADS = ["", "", "", "there is ", "there is evidence of ", "findings include ", "chest radiograph shows ",
         "{view} view shows ", "image demonstrates ", "impression: "]
NEGATIVES = {
    "upper_lobe_cavity": ["no cavity", "no cavitary lesion", "no evidence of tuberculosis", "the apices are clear"],
    "consolidation": ["no consolidation", "no focal opacity", "no infiltrate", "no airspace disease"],
    "effusion": ["no pleural effusion", "no pleural fluid", "the costophrenic angles are sharp"],
    "nodules": ["no nodules", "no pulmonary nodule", "no mass"],
    "cardiomegaly": ["the heart is not enlarged", "heart size is normal", "normal cardiac silhouette"],
}
NORMAL = ["no acute cardiopulmonary abnormality", "normal chest radiograph", "the lungs are clear",
          "clear lungs and normal heart size", "no acute finding", "unremarkable chest", "no active disease",
          "the lungs are well expanded and clear"]
GRADES = [(0.45, ["faint", "subtle", "small", "mild", "slight"]),
          (0.75, ["moderate", "medium sized", "definite", ""]),
          (9.99, ["large", "marked", "extensive", "severe", "obvious"])]
CAVITIES = ["cavity", "cavitary lesion", "thick walled cavity", "ring shaped lesion", "cavitating opacity",
            "cavity with surrounding infiltrate"]
PLACES = {"upper": ["upper lobe", "upper zone", "lung apex", "apex", "upper lung"],
          "middle": ["middle zone", "mid lung", "mid lung zone", "perihilar region"],
          "lower": ["lower lobe", "lower zone", "lung base", "base", "lower lung"]}
CAUSES = ["suspicious for tuberculosis", "consistent with cavitary tuberculosis", "suggesting active tuberculosis",
          "likely pulmonary tuberculosis"]
OPACITIES = ["consolidation", "patchy opacity", "airspace opacity", "patchy consolidation", "infiltrate",
             "pneumonia"]
EFFUSIONS = ["{grade} {side} pleural effusion", "{grade} {side} sided effusion", "blunting of the {side} costophrenic angle",
             "{grade} pleural fluid on the {side}", "{grade} fluid at the {side} base"]
NODULES = ["{grade} scattered nodules", "multiple pulmonary nodules", "several nodular opacities in both lungs",
           "{grade} bilateral nodules", "multiple round opacities"]
HEARTS = ["{grade} cardiomegaly", "{grade} enlargement of the heart", "enlarged cardiac silhouette",
          "the heart is enlarged", "increased cardiothoracic ratio"]
VIEWS = {"PA": ["frontal", "pa", "upright"], "AP": ["frontal", "ap", "portable", "supine"]}
# Words of prompts that users may try and that no report contains; they start untrained but are not cut to pieces.
EXTRA = "a an of with in at and or x ray showing signs patient person healthy disease picture phantom synthetic".split()


def parse_findings(text):
    """{"upper_lobe_cavity": ("right", "upper", 0.73), "nodules": ("", "", 0.4)} of the manifest's column."""
    out = {}
    for entry in text.split("|"):
        if entry != "none":
            name, *place, severity = entry.split(":")
            out[name] = (*(place or ("", "")), float(severity))
    return out


def _grade(severity, rng):
    return rng.choice(next(words for limit, words in GRADES if severity < limit))


def _positive(name, place, rng, cause):
    side, zone, severity = place
    grade = _grade(severity, rng)
    if name == "upper_lobe_cavity":
        text = f"{grade} {rng.choice(CAVITIES)} in the {side} {rng.choice(PLACES[zone])}"
        return f"{text} {rng.choice(CAUSES)}" if rng.random() < cause else text
    if name == "consolidation":
        return f"{grade} {rng.choice(OPACITIES)} in the {side} {rng.choice(PLACES[zone])}"
    table = {"effusion": EFFUSIONS, "nodules": NODULES, "cardiomegaly": HEARTS}[name]
    return rng.choice(table).format(grade=grade, side=side)


def report(findings, view, rng, cause=0.2):
    """One report: positives in any order, then at times what is absent. `cause`: how often a cavity is called by its
    cause."""
    parts = [_positive(name, place, rng, cause) for name, place in findings.items()]
    rng.shuffle(parts)
    if not parts:
        parts = [rng.choice(NORMAL)]
    elif rng.random() < 0.7:
        parts[0] = rng.choice(LEADS).format(view=rng.choice(VIEWS[view])) + parts[0]
    absent = [name for name in NEGATIVES if name not in findings]
    for name in rng.sample(absent, min(len(absent), rng.choice([0, 0, 1, 1, 2]))):
        parts.append(rng.choice(NEGATIVES[name]))
    return re.sub(r" +", " ", ". ".join(p.strip() for p in parts)) + rng.choice(["", "."])


def vocabulary():
    """The lines of vocab.txt: special tokens, words of the tables, single characters and their continuations, so that
    every text can be cut into pieces."""
    tables = [LEADS, NORMAL, CAVITIES, CAUSES, OPACITIES, EFFUSIONS, NODULES, HEARTS, *NEGATIVES.values(),
              *PLACES.values(), *VIEWS.values(), *(words for _, words in GRADES), EXTRA, ["left", "right"]]
    text = re.sub(r"\{\w+\}", " ", " ".join(phrase for table in tables for phrase in table))
    words = sorted(set(re.findall(r"[a-z]+", text)))
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)] + [chr(c) for c in range(ord("0"), ord("9") + 1)]
    marks = list("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
    return (["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + marks + letters +
            [w for w in words if len(w) > 1] + ["##" + c for c in letters])
