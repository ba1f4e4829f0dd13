"""The quickstart prints what it promises, and a second run does too, without training again."""
import os
import re

from e2e import TAILOR, run, scratch

RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/recipes")
METHODS = ["erm", "weighted", "logit-adjustment", "balanced-sampling", "smoothing", "sam-a", "sam-a+smoothing"]

with scratch() as folder:
    out = os.path.join(folder, "quickstart")
    for again in (False, True):
        text = run(TAILOR, "quickstart", "--recipes", RECIPES, "--out", out)
        assert "10 classes, r = 0.01 (1:100)" in text, text
        validation = text.split("validation, in %")[1].split("test, in %")[0]
        for part in (validation, text.split("test, in %")[1]):
            rows = re.findall(r"^([a-z][a-z+-]+) +(?:[\d.]+ \+-[\d.]+[* ]* *){5}", part, re.M)
            assert rows == METHODS, (rows, text)
        assert text.count("kept: the folder holds this run, finished") == (len(METHODS) if again else 0), text
        # A method is called better or worse only where a mark stands, and the other way round.
        marks = len(re.findall(r"\+-[\d.]+[\^v]", validation))
        claims = validation.split("told apart from erm on validation")[1]
        assert marks == len(re.findall(r"(?:accuracy|balanced|minority|macro F1|ECE) [+-][\d.]+", claims)), text
        named = re.findall(r"[a-z+-]+(?=: better|: worse)", claims)
        unnamed = re.search(r"^  (.*): not told apart", claims, re.M)
        assert sorted(named + (unnamed.group(1).split(", ") if unnamed else [])) == sorted(METHODS[1:]), text
        passes = re.findall(r"^  \S+?(?::\d+:\d+)?: (?:fused|missed|note) \[([a-z-]+)\]", text, re.M)
        assert len(passes) == 5 and len(set(passes)) >= 4, text
        assert len(re.findall(r"^  build/release/bin/tailor ", text, re.M)) == 4, text
    for name in ("compare.md", "compare.csv", "compare.json", "sam-a+smoothing/program.tailor"):
        assert os.path.exists(os.path.join(out, name)), name
print("the quickstart ran twice")
