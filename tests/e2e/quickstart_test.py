"""The quickstart prints what it promises, and a second run does too."""
import os
import re

from e2e import TAILOR, run, scratch

RECIPES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../models/recipes")

with scratch() as folder:
    for _ in range(2):
        text = run(TAILOR, "quickstart", "--recipes", RECIPES, "--out", os.path.join(folder, "quickstart"))
        assert "1000 599 359 215 129 77 46 27 16 10   r = 0.01 (1:100)" in text, text
        rows = re.findall(r"^(ERM|ERM \+ smoothing|SAM-A \+ smoothing) +(?:[\d.]+ \+- [\d.]+ +){3}[\d.]+$", text, re.M)
        assert rows == ["ERM", "ERM + smoothing", "SAM-A + smoothing"], text
        passes = re.findall(r"^  \S+:\d+:\d+: (?:fused|not fused|note) \[([a-z-]+)\]", text, re.M)
        assert len(passes) == 5 and len(set(passes)) >= 4, text
        assert len(re.findall(r"^  build/release/bin/tailor ", text, re.M)) == 3, text
        # A difference is claimed only where mean +- standard error do not overlap.
        for line in re.findall(r"^SAM-A \+ smoothing against ERM, \w+ accuracy: .*$", text, re.M):
            assert re.search(r": ([+-][\d.]+ points|the intervals overlap, no difference claimed)$", line), line
print("the quickstart ran twice")
