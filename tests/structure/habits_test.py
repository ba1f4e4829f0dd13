"""check-habits finds what it looks for, each fault planted once; --fix mends; the baseline only shrinks."""
import pathlib
import subprocess
import sys
import tempfile

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "tools/scripts/check-habits"

SOUND = {
    ".clang-format": "BasedOnStyle: LLVM\nReflowComments: false\n",
    "runtime/data/plan.h": "#pragma once\n#include \"runtime/base/file.h\"\n\n#include <vector>\n\n"
                           "/// Plans.\n///\n/// Shapes   rows [N]\n///          and columns [C].\n/// Errors   none.\n"
                           "///\n///   uniform   each row once; a long row of a table that fills the whole of the line, and\n"
                           "///             goes on under its text\n///   sqrt      1 / sqrt(n)\n"
                           "enum class Plan : std::uint8_t { kOne, ///< one, not two\n  kTwo = 2 };\n"
                           "// TODO(when C++23 is here): std::expected\nconst char* const text = \"throw size_t\";\n",
    "runtime/data/plan.cpp": "#include \"runtime/data/plan.h\"\n\n#include \"runtime/base/log.h\"\n\n#include <cmath>\n"
                             "#if defined(__x86_64__)\n#include \"runtime/base/x86.h\"\n#endif\nstd::int64_t f();\n",
    "frontend/loss.h": "#pragma once\nenum class Table { inv_max, eq5_literal };\n",
    "passes/FuseFoo.cpp": "#include \"passes/FuseFoo.h\"\n\n#include <map>\n#include \"passes/Passes.h.inc\"\n"
                          "enum class Way { up, batchMean, inline_ };\nenum { kFirst, kSecond };\nint64_t g(size_t n);\n",
    "ir/Attrs.h": "#pragma once\nenum class Rule { Zeros, CopyOf };\n",
}
# kind, file, what is added to it
BROKEN = [
    ("include-order", "runtime/data/plan.cpp", "#include \"runtime/base/late.h\"\n"),
    ("integers", "runtime/data/plan.cpp", "int64_t f();\n"),
    ("integers", "passes/FuseFoo.cpp", "std::size_t f();\n"),
    ("enumerators", "runtime/data/plan.h", "enum class Other { one };\n"),
    ("enumerators", "frontend/loss.h", "enum class Other { kOne };\n"),
    ("enumerators", "passes/FuseFoo.cpp", "enum class Other { kOne };\n"),
    ("enumerators", "ir/Attrs.h", "enum class Other { zeros };\n"),
    ("using", "frontend/loss.h", "using namespace std;\n"),
    ("throw", "runtime/data/plan.cpp", "void h() { throw 1; }\n"),
    ("todo", "passes/FuseFoo.cpp", "// TODO: more\n"),
    ("comment-table", "frontend/loss.h", "/// Errors   what keeps a run from starting; a\n/// non-finite loss\n"),
    ("comment-table", "frontend/loss.h", "//   tailor.state     place = #tailor.buffer<...> ops with results   buffers =\n"
                                         "//   [#tailor.buffer<...>, ...]\n"),
    ("comment-table", "frontend/loss.h", "// --- state\n// --------------------\n"),
    ("reflow", ".clang-format", "ReflowComments: true\n"),
]


def run(root, *arguments):
    done = subprocess.run([sys.executable, str(SCRIPT), "--root", str(root), *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        write(folder / "sound", SOUND)
        code, output = run(folder / "sound")
        assert code == 0, output
        for i, (kind, name, text) in enumerate(BROKEN):
            root = folder / str(i)
            write(root, SOUND)
            whole = text if kind == "reflow" else SOUND[name] + text
            (root / name).write_text(whole, encoding="utf-8")
            code, output = run(root)
            assert code == 1 and f": {kind}: " in output and output.count(": error") == 0, f"{kind} {text!r}:\n{output}"
            assert len([line for line in output.splitlines() if line.startswith(name)]) == 1, output
        # No pragma, and the own header not first.
        root = folder / "others"
        write(root, {**SOUND, "ir/Bare.h": "struct A;\n",
                     "ir/Attrs.cpp": "#include \"ir/Ops.h\"\n#include \"ir/Attrs.h\"\n"})
        code, output = run(root)
        assert code == 1 and "no #pragma once" in output and "ir/Attrs.h comes first" in output, output

        # --fix mends includes and integers and nothing else.
        root = folder / "fix"
        write(root, {**SOUND, "runtime/data/plan.cpp": "#include <cmath>\n#include \"runtime/base/log.h\"\n"
                              "#include \"runtime/data/plan.h\"\n#if 1\n#include <x.h>\n#endif\n"
                              "int64_t f(); // int64_t\nauto text = \"size_t\";\n",
                     "ir/Attrs.cpp": "#include <map>\n\n#include \"ir/Attrs.cpp.inc\"\nstd::size_t f();\n"})
        assert run(root)[0] == 1
        code, output = run(root, "--fix")
        assert code == 0 and "mended 2 files" in output, output
        assert (root / "runtime/data/plan.cpp").read_text().split() == (
            "#include \"runtime/data/plan.h\" #include \"runtime/base/log.h\" #include <cmath> #if 1 #include <x.h> #endif "
            "std::int64_t f(); // int64_t auto text = \"size_t\";").split()
        assert (root / "ir/Attrs.cpp").read_text() == "#include <map>\n\n#include \"ir/Attrs.cpp.inc\"\nsize_t f();\n"

        # The baseline grants a kind to a file, in whatever folder; it shrinks and does not grow.
        root = folder / "baseline"
        baseline = root / "tools/scripts/habits-baseline.txt"
        old, faulty = SOUND["passes/FuseFoo.cpp"], SOUND["passes/FuseFoo.cpp"] + "std::size_t a;\n"
        write(root, {**SOUND, "tools/scripts/habits-baseline.txt": "# granted\nintegers FuseFoo.cpp\nthrow gone.cpp\n",
                     "passes/FuseFoo.cpp": faulty})
        assert run(root)[0] == 0
        (root / "backend").mkdir()
        (root / "passes/FuseFoo.cpp").rename(root / "backend/FuseFoo.cpp")
        assert run(root)[0] == 0
        (root / "backend/FuseFoo.cpp").write_text(faulty + "// TODO: more\n")
        assert run(root)[0] == 1
        (root / "backend/FuseFoo.cpp").write_text(faulty)
        code, output = run(root, "--update")
        assert code == 0 and baseline.read_text() == "# granted\nintegers FuseFoo.cpp\n", output
        (root / "backend/FuseFoo.cpp").write_text(old)
        assert run(root, "--update")[0] == 0 and baseline.read_text() == "# granted\n"
        (root / "backend/FuseFoo.cpp").write_text(faulty)
        assert run(root, "--update")[0] == 1 and baseline.read_text() == "# granted\n"


if __name__ == "__main__":
    main()
