"""Programs in an environment that somebody else has set: it must not choose what code runs."""

import os
import shutil
import subprocess
import unittest

from harness import BIN, PENSTOCKD, Case

CONFIGURATION = """
openssl_conf = all
[all]
providers = providers
[providers]
foreign = foreign
[foreign]
module = {library}
activate = 1
"""
SOURCE = """
#include <stdio.h>
__attribute__((constructor)) static void here(void) {{ fclose(fopen("{trace}", "w")); }}
"""

PROGRAMS = ("penstock", "penstock-manager", "penstockd")


class HostileEnvironments(Case):
    def test_what_the_loader_listens_to_is_refused(self) -> None:
        for program in PROGRAMS:
            for name in ("LD_PRELOAD", "LD_LIBRARY_PATH", "LD_DEBUG_OUTPUT", "GLIBC_TUNABLES"):
                done = subprocess.run([BIN / program, "--help"], env=os.environ | {name: ""}, capture_output=True, text=True)
                self.assertNotEqual(done.returncode, 0, program)
                self.assertIn(f"{name} is set in the environment", done.stderr)

    def test_a_server_runs_without_what_the_host_has_set(self) -> None:
        evil = self.folder / "evil"
        evil.mkdir()
        foreign = {name: str(evil) for name in (
            "OPENSSL_CONF", "OPENSSL_MODULES", "OPENSSL_ENGINES", "SSL_CERT_FILE", "SSL_CERT_DIR", "MALLOC_TRACE", "TZDIR",
            "TZ", "LOCPATH", "GCONV_PATH", "NLSPATH", "LANG", "KRB5_CONFIG", "KRB5CCNAME", "HOSTALIASES", "SSLKEYLOGFILE",
            "TERMINFO", "RES_OPTIONS", "PENSTOCK_CRASH_AT")}
        server = subprocess.Popen([PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0"],
                                  env=os.environ | foreign, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            self.assertIn("http://", server.stdout.readline())
            self.assertEqual(list(evil.iterdir()), [])
        finally:
            self.end(server)

    def test_what_holds_keys_is_linked_into_the_programs(self) -> None:
        for program in PROGRAMS:
            needed = subprocess.run(["readelf", "-d", BIN / program], capture_output=True, text=True, check=True).stdout
            for library in ("libcrypto", "libssl", "librocksdb", "libIPSec_MB"):
                self.assertNotIn(library, needed)


class ForeignLibraries(Case):
    @unittest.skipUnless(shutil.which("cc"), "there is no C compiler here")
    def test_no_configuration_of_openssl_loads_one(self) -> None:
        library, trace = self.folder / "foreign.so", self.folder / "it_was_loaded"
        (self.folder / "foreign.c").write_text(SOURCE.format(trace=trace))
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, self.folder / "foreign.c"], check=True)
        configuration = self.folder / "openssl.cnf"
        configuration.write_text(CONFIGURATION.format(library=library))
        environment = os.environ | {"OPENSSL_CONF": str(configuration), "OPENSSL_MODULES": str(self.folder)}
        if shutil.which("openssl"):  # that the trap works
            subprocess.run(["openssl", "version"], env=environment, capture_output=True)
            subprocess.run(["openssl", "rand", "-hex", "4"], env=environment, capture_output=True)
            if not trace.exists():
                self.skipTest("this machine's openssl loads no library by its configuration either")
            trace.unlink()
        self.seal_something(environment)
        for program in ("penstock-manager", "penstockd"):
            if (BIN / program).exists():
                subprocess.run([BIN / program, "--data", self.folder / program, "--nonsense"], env=environment,
                               capture_output=True)
        self.assertFalse(trace.exists())

    def seal_something(self, environment: dict) -> None:
        def penstock(*words: object, stdin: str = "") -> None:
            subprocess.run([BIN / "penstock", *map(str, words)], env=environment, input=stdin, text=True, check=True,
                           capture_output=True)

        penstock("policy", "new", "--id", "p", "--topic", "t", "--out", self.keys)
        penstock("produce", "--data", self.data, "--topic", "t", "--seal", "p", "--keys", self.key("p", "producer"),
                 stdin='{"id": 1}\n')
        server = subprocess.Popen([PENSTOCKD, "--data", self.data, "--listen", "127.0.0.1:0"], env=environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            self.assertIn("http://", server.stdout.readline())
        finally:
            self.end(server)
