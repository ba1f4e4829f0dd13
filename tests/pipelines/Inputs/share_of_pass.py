"""share_of_pass.py PASS < output of --time-passes: its percentage of the whole, which no load on the machine moves much."""
import re
import sys

times = re.findall(r"([\d.]+) ms +(\S+)", sys.stdin.read())
total = sum(float(time) for time, name in times if name == "total")
print("%d percent" % (100 * sum(float(time) for time, name in times if name == sys.argv[1]) / total))
