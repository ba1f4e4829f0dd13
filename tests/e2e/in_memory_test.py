"""Rows that a program holds: trained on, resumed, predicted with elsewhere, and missed by name where they are not."""
import os
import re

from e2e import TAILOR_RUN, run, same_checkpoint, scratch, weights

PROGRAM = os.environ["TAILOR_EXAMPLE_IN_MEMORY"]


with scratch() as folder:
    def program(*words, status=0):
        return run(PROGRAM, *words, cwd=folder, status=status)

    output = program("train", "--out", "whole", "--set", "run.epochs=3")
    assert "'row weights' weighs the rows in the training loss; metrics count every row alike" in output, output

    # Another machine has the artifact and not the rows.
    program("compile", "-o", "p.tailor")
    output = run(TAILOR_RUN, "p.tailor", "--out", "elsewhere", cwd=folder, status=1)
    assert re.search(r"error: .*the data 'payments' are in the memory of the program that says data::in_memory at "
                     r"in_memory\.cpp:\d+", output), output
    assert "hint: run that program to train" in output, output

    # The program itself runs what it compiled, to the same bits, and evaluates it on the rows it holds.
    program("run", "p.tailor", "--out", "again", "--set", "run.epochs=3", "--check", "reference:every 20")
    same_checkpoint(*(weights(os.path.join(folder, out)) for out in ("whole", "again")), "train, compile and run")
    for split in "val", "test":
        output = program("eval", "whole", "--split", split)
        assert "accuracy" in output, output

    # It predicts there, on a table with the same columns.
    with open(os.path.join(folder, "new.csv"), "w") as f:
        f.write("country,hour,log_amount\nhome,12,3.5\nabroad,2,6.5\n")
    run(TAILOR_RUN, "predict", "whole", "--data", "new.csv", "--out", "p.csv", cwd=folder)
    with open(os.path.join(folder, "p.csv")) as f:
        lines = f.read().splitlines()
    assert lines[0].startswith("row,p_honest,p_fraud") and len(lines) == 3, lines
    assert [line.split(",")[3] for line in lines[1:]] == ["honest", "fraud"], lines
