"""Usage: check_profile.py PROFILE.json MEMORY.json: every command of the step is there once, sorted, with numbers that add up."""
import json
import sys

with open(sys.argv[1]) as file:
    profile = json.load(file)
with open(sys.argv[2]) as file:
    memory = json.load(file)
commands = profile["commands"]
assert sorted(c["index"] for c in commands) == list(range(len(commands))), [c["index"] for c in commands]
assert commands[0]["us"] >= commands[-1]["us"] and [c["us"] for c in commands] == sorted((c["us"] for c in commands), reverse=True)
assert abs(sum(c["us"] for c in commands) - profile["commands_us"]) <= 1e-6 * profile["commands_us"]
assert abs(profile["covered_share"] - profile["commands_us"] / profile["step_us"]) < 1e-9
for command in commands:
    floors = (command["flops"] / profile["flops_per_second"], command["bytes"] / 2 / max(b["bytes_per_second"] for b in profile["bandwidths"]))
    assert command["floor_us"] * (1 + 1e-9) >= 1e6 * floors[1], command
    assert command["floor_us"] > 0 or command["flops"] + command["bytes"] == 0, command
last = max(b["last"] for b in memory["buffers"] if b["entry"].startswith("train_step"))
assert last < len(commands), (last, len(commands))
print(len(commands), "commands")
