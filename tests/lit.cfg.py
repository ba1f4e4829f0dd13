# lit configuration of everything written as RUN lines: tests/ir, tests/passes, tests/cli, tests/tools.
import os
import sys

import lit.formats

config.name = "tailor"
config.test_format = lit.formats.ShTest(not lit.util.which("bash"))
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs", "e2e"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = os.path.join(config.tailor_binary_dir, "tests", "lit", "output")

# Programs are found by name: ours first, then FileCheck, not and lit's own.
path = [config.tailor_tools_dir, config.llvm_tools_dir, config.environment.get("PATH", "")]
config.environment["PATH"] = os.path.pathsep.join(path)
config.environment["FILECHECK_OPTS"] = "--dump-input-filter=all"
config.substitutions.append(("%scripts", os.path.join(config.tailor_source_dir, "tools", "scripts")))
config.substitutions.append(("%python", sys.executable))
config.substitutions.append(("%recipes", os.path.join(config.tailor_source_dir, "models", "recipes")))
