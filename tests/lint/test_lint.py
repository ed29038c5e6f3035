# SPDX-License-Identifier: Apache-2.0
"""Every lint check can fail: each is fed a bad example and must complain of it."""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).parent
MARK = "/* SPDX-License-Identifier: Apache-2.0 */\n"

GOOD_C = MARK + """\
#include "util/buf.h"

struct pair {
	int a, b;
};

enum { ROWS = 2 };

typedef void row_fn(void *context);

static const char *const names[] = {"if (", "goto"};
extern char **environ;

enum status room_do_it(struct pair (*pairs)[2], void (*call)(int, int), int c)
{
	const struct pair pair = {.a = 1, .b = 2};

	for (;;) {
		if (c)
			return 0;
		else if (pair.a)
			while (c > 0)
				c--;
	}
	switch (c) {
	case 1:
		do {
			call(names[0][0], (*pairs)[0].a);
		} while (c);
		break;
	default:
		break;
	}
	return ROWS;
}
"""

# path, text, the complaint that is expected
SHAPES = [
    ("agent/util/x.c", "\n" * 501, "file has 501 lines"),
    ("agent/util/x.c", "int f(void)\n{\n" + "\n" * 59 + "}\n", "function has 62 lines"),
    ("agent/util/x.c", "int f(int a, int b, int c, int d, int e, int g)\n{\n}\n",
     "more than 5 parameters"),
    ("agent/util/x.c", "int f(void)\n{\nif (1) for (;;) while (1) if (2) g();\n}\n",
     "nest deeper"),
    ("agent/util/x.c", "int f(void)\n{\nif (1) { do { switch (1) { case 1: if (2) g(); } } "
     "while (0); }\n}\n", "nest deeper"),
    ("agent/util/x.c", "int f(void)\n{\nif (0) ; else for (;;) { for (;;) for (;;) ; }\n}\n",
     "nest deeper"),
    ("agent/util/x.c", "int f(void)\n{\ngoto out;\nout:\nreturn 0;\n}\n", "goto"),
    ("agent/util/x.c", "int f(void)\n{\n#ifdef A\n#endif\n}\n", "#if inside a function"),
    ("agent/util/x.c", "static int count;\n", "mutable variable"),
    ("agent/util/x.c", "static struct { int a; } state = {.a = 1};\n", "mutable variable"),
    ("agent/util/x.c", 'static const char *name = "x";\n', "mutable variable"),
    ("agent/util/x.c", "static const char *names[] = {0};\n", "mutable variable"),
    ("agent/util/x.c", "void (*hook)(int);\n", "mutable variable"),
    ("agent/util/x.c", "typedef struct thing thing;\n", "typedef"),
    ("agent/util/x.c", "typedef enum { A } thing_fn;\n", "typedef"),
    ("agent/util/x.c", "typedef int handler(void);\n", "typedef"),
]

INCLUDES = [
    ("agent/util/x.c", '#include "token/job.h"\n', "floor"),
    ("agent/token/x.c", '#include "policy/policy.h"\n', "floor"),
    ("agent/policy/x.c", '#include "token/token.h"\n', "floor"),
    ("agent/seal/x.c", '#include "server/spec.h"\n', "floor"),
    ("agent/server/x.c", '#include "config/config.h"\n', "floor"),
    ("agent/seal/x.c", '#include "proto/frame.h"\n', "floor"),
    ("agent/worker/x.c", '#include "token/token.h"\n', "floor"),
    ("agent/enrol/x.c", '#include "worker/session.h"\n', "floor"),
    ("agent/main.c", '#include "worker/module.h"\n', "floor"),
    ("clients/c/x.c", '#include "util/buf.h"\n', "floor"),
    ("clients/cli/x.c", '#include "proto/frame.h"\n', "floor"),
    ("clients/cli/x.c", '#include "token/job.h"\n', "floor"),
    ("agent/util/x.c", '#include "../token/job.h"\n', "by .."),
    ("agent/server/x.c", "#include <pthread.h>\n", "threads headers"),
    ("agent/token/x.c", "#  include <threads.h>\n", "threads headers"),
    ("agent/token/x.c", "#include <p11-kit/pkcs11.h>\n", "PKCS#11 headers"),
    ("agent/main.c", "#include <libp11.h>\n", "PKCS#11 headers"),
    ("agent/seal/x.c", '#include "zegel.pb-c.h"\n', "protobuf headers"),
    ("clients/cli/x.c", "#include <protobuf-c/protobuf-c.h>\n", "protobuf headers"),
]

ALLOWED = [
    ("agent/main.c", '#include "config/config.h"\n#include "server/spec.h"\n'),
    ("agent/config/config.c", '#include "server/spec.h"\n#include "config.h"\n'),
    ("agent/worker/sign.c", '#include <pthread.h>\n#include "token/job.h"\n'),
    ("agent/enrol/x.c", '#include "worker/module.h"\n#include "util/buf.h"\n'),
    ("agent/server/x.c", '#include "zegel.pb-c.h"\n#include "proto/frame.h"\n'),
    ("clients/c/pool.c", "#include <pthread.h>\n"),
    ("clients/cli/x.c", '#include "zegel.h"\n#include "util/buf.h"\n'),
]

# Calls of log_event, and the complaint that is expected.
GOOD_FACTS = [
    'log_event(LOG_ERR, "a", "key=value");',
    'log_event(LOG_ERR, "a, (b", "key=%s at=%s:%d", c(1, 2), d, e);',
    'log_event(a ? LOG_ERR : LOG_WARN, "a",\n\t"req=%" PRIx64 ".%" PRIu64\n\t" why=\\"%s, b\\" '
    'n=1",\n\t1, 2, strerror(errno));',
    'void log_event(enum log_level level, const char *message, const char *facts, ...);',
    '/* log_event(LOG_ERR, "a", b) */',
]
BAD_FACTS = [
    ('log_event(LOG_ERR, "a", "jobs=%u of %u", 1, 2);', "expected facts like"),
    ('log_event(LOG_ERR, "a", "key=%s  n=1", b);', "expected facts like"),
    ('log_event(LOG_ERR, "a", "key=%s ", b);', "expected facts like"),
    ('log_event(LOG_ERR, "a", "Key=%s", b);', "expected facts like"),
    ('log_event(LOG_ERR, "a", "%s=1", b);', "expected facts like"),
    ('log_event(LOG_ERR, "a", "%s", b);', "expected facts like"),
    ('log_event(LOG_ERR, "a", "");', "expected facts like"),
    ('log_event(LOG_ERR, "a", "why=\\"%s", b);', "expected facts like"),
    ('log_event(LOG_ERR, "a", "path=a\\\\b");', "expected facts like"),
    ('log_event(LOG_ERR, "a", b);', "no literal"),
    ('log_event(LOG_ERR, "a", b ? "key=%s" : "n=%s", c);', "no literal"),
    ('log_event(LOG_ERR, "a", "n=%d n=%d", 1, 2);', "a key stands twice"),
    ('log_event(LOG_ERR, "a", "' + "k" * 59 + '=1");', "a key of more than 58"),
    ('log_event(LOG_ERR, "a", "key=' + "v" * 512 + '");', "facts of 516 characters"),
    ('log_event(LOG_ERR, "a");', "facts are missing"),
]


class Example(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)

    def write(self, path, text):
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def run_check(self, check, *args):
        command = [sys.executable] if str(check).endswith(".py") else ["sh"]
        return subprocess.run([*command, HERE / check, *args], check=False,
                              capture_output=True, text=True)

    def assert_complains(self, complaint, check, *args):
        done = self.run_check(check, *args)
        self.assertEqual(1, min(done.returncode, 1), done.stdout + done.stderr)
        self.assertIn(complaint, done.stdout + done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def assert_passes(self, check, *args):
        done = self.run_check(check, *args)
        self.assertEqual((0, "", ""), (done.returncode, done.stdout, done.stderr))


class Shape(Example):
    def test_good_source_passes(self):
        self.write("agent/util/x.c", GOOD_C)
        self.assert_passes("shape.py", self.root)

    def test_state_is_for_main_and_the_log(self):
        for path in ("agent/main.c", "agent/worker/main.c", "agent/util/log.c"):
            self.write(path, "static int state;\n")
        self.assert_passes("shape.py", self.root)

    def test_each_bad_shape_is_seen(self):
        for path, text, complaint in SHAPES:
            with self.subTest(text=text[:60]):
                self.write(path, text)
                self.assert_complains(complaint, "shape.py", self.root)


class Includes(Example):
    def test_good_includes_pass(self):
        for path, text in ALLOWED:
            self.write(path, text)
        self.assert_passes("includes.py", self.root)

    def test_each_bad_include_is_seen(self):
        for path, text, complaint in INCLUDES:
            with self.subTest(path=path, text=text):
                self.write(path, text)
                self.assert_complains(complaint, "includes.py", self.root)
                (self.root / path).unlink()


class Facts(Example):
    def test_good_facts_pass(self):
        self.write("agent/x.c", "\n".join(GOOD_FACTS))
        self.assert_passes("facts.py", self.root)

    def test_each_bad_fact_is_seen(self):
        for text, complaint in BAD_FACTS:
            with self.subTest(text=text):
                self.write("agent/x.c", text)
                self.assert_complains(complaint, "facts.py", self.root)


class Files(Example):
    def test_missing_licence_is_seen(self):
        self.write("agent/x.c", "int x;\n")
        self.assert_complains("agent/x.c:1: no SPDX", "spdx.py", self.root)

    def test_licence_behind_a_shebang_passes(self):
        self.write("x.sh", "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n")
        self.assert_passes("spdx.py", self.root)

    def test_header_that_needs_another_is_seen(self):
        self.write("agent/x.h", "size_t f(void);\n")
        self.assert_complains("agent/x.h:1: does not compile alone", "headers.py", "gcc",
                              self.root, ".")

    def test_bad_layout_is_seen(self):
        for folder in ("agent", "clients", "proto"):
            (self.root / folder).mkdir()
        self.write("tests/x.c", "int  x ;\n")
        self.assert_complains("clang-format", "format.sh", self.root)

    def test_bad_script_is_seen(self):
        for folder in ("agent", "clients", "docs", "udev", ".ci"):
            (self.root / folder).mkdir()
        self.write("tests/x.sh", "#!/bin/sh\necho $1\n")
        self.assert_complains("SC2086", "shell.sh", self.root)


class Contract(Example):
    WORDS = {
        "proto/zegel.proto": "enum Status {\n  OK = 0;\n  INVALID = 1;\n}\n",
        "agent/util/status.h": "enum wire_status {\n\tWIRE_OK = 0,\n\tWIRE_INVALID = 1,\n};\n",
        "clients/c/zegel.h": "enum zegel_status {\n\tZEGEL_OK = 0,\n\tZEGEL_INVALID = 1,\n};\n",
        "agent/util/status.def": 'STATUS(OK, OK, 0, "done")\n',
    }

    def setUp(self):
        super().setUp()
        for path, text in self.WORDS.items():
            self.write(path, text)

    def test_same_numbers_pass(self):
        self.assert_passes("contract.py", self.root, self.root)

    def test_other_number_is_seen(self):
        for path in ("agent/util/status.h", "clients/c/zegel.h"):
            self.write(path, self.WORDS[path].replace("1", "2"))
            self.assert_complains(path, "contract.py", self.root, self.root)
            self.write(path, self.WORDS[path])

    def test_unknown_word_is_seen(self):
        self.write("agent/util/status.def", 'STATUS(X, NONSENSE, 0, "x")\n')
        self.assert_complains("NONSENSE", "contract.py", self.root, self.root)

    def test_test_that_nobody_runs_is_seen(self):
        self.write("tests/unit/test_room.c", MARK)
        self.assert_complains("unit/room", "contract.py", self.root, self.root)


class Elf(Example):
    def build(self, name, source, *flags):
        self.write("x.c", source)
        (self.root / "bin").mkdir(exist_ok=True)
        subprocess.run(["gcc", self.root / "x.c", "-o", self.root / "bin" / name, *flags],
                       check=True)

    def assert_elf_complains(self, *complaints):
        for complaint in complaints:
            self.assert_complains(complaint, "elf.py", self.root / "bin")

    def test_soft_program_is_seen(self):
        self.build("zegel", "int main(void) { return 0; }", "-no-pie", "-Wl,-z,norelro",
                   "-Wl,-z,lazy", "-Wl,-z,execstack", "-Wl,-rpath,/x", "-Wl,--build-id=none")
        self.assert_elf_complains(
            "zegel: not position independent", "zegel: no RELRO", "zegel: not BIND_NOW",
            "zegel: executable stack", "zegel: RPATH or RUNPATH", "zegel: no build-id",
            "zegel: no stack canary", "zegel: no fortified call")

    def test_text_relocations_are_seen(self):
        self.build("x.so", '__asm__(".text\\n.quad puts\\n");', "-shared", "-Wl,-z,notext")
        self.assert_elf_complains("TEXTREL")

    def test_writable_code_is_seen(self):
        self.build("x", "void _start(void) {}", "-nostdlib", "-static", "-Wl,-N",
                   "-Wl,--no-warn-rwx-segments")
        self.assert_elf_complains("both writable and executable")

    def test_library_that_is_not_allowed_is_seen(self):
        self.build("zegeld", "int main(void) { return 0; }", "-Wl,--no-as-needed", "-lp11-kit")
        self.assert_elf_complains("zegeld: links libp11-kit")

    def test_path_of_the_machine_is_seen(self):
        self.build("x", 'const char *p = "/home/somebody"; int main(void) { return 0; }')
        self.assert_complains("contains /home/somebody", "elf.py", self.root / "bin",
                              "/home/somebody")

    def test_program_that_is_not_there_is_seen(self):
        self.assert_complains("zegel-token: is not there", "elf.py", self.root, "--expect",
                              "zegel-token")

    def test_other_exports_are_seen(self):
        self.build("libzegel.so", "void zegel_a(void) {} void zegel_b(void) {}", "-shared")
        self.write("zegel.h", "ZEGEL_API void zegel_a(void);\nZEGEL_API int zegel_c(\n\tint x);\n")
        library, header = self.root / "bin/libzegel.so", self.root / "zegel.h"
        check = HERE / "../../clients/c/check_library.sh"
        for complaint in ("zegel_b", "zegel_c"):
            self.assert_complains(complaint, check, library, header, "")


if __name__ == "__main__":
    unittest.main()
