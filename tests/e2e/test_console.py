"""The interactive console on a real terminal device."""

import fcntl
import os
import pty
import select
import stat
import subprocess
import termios
import time
import unittest

from harness import PENSTOCK, Case


class Console(Case):
    def setUp(self) -> None:
        super().setUp()
        self.produce("s", [{"ID": 1, "NAME": "one"}, {"ID": 2, "NAME": "two"}])
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        environment = {**os.environ, "TERM": "xterm", "HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        environment.pop("XDG_STATE_HOME", None)

        def own_terminal() -> None:  # so that Ctrl-C becomes a signal
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.console = subprocess.Popen([str(PENSTOCK), "sql", "--data", str(self.data)], stdin=slave,
                                        stdout=slave, stderr=slave, env=environment, preexec_fn=own_terminal)
        os.close(slave)
        self.addCleanup(self.end, self.console)
        self.seen = ""
        self.expect("penstock> ")

    def expect(self, text: str, seconds: float = 20) -> str:
        """What came up to and with the text."""
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            if time.monotonic() > deadline or self.console.poll() is not None:
                self.fail(f"{text!r} did not come; there was {self.seen[-2000:]!r}")
            if select.select([self.master], [], [], 0.1)[0]:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
        end = self.seen.index(text) + len(text)
        came, self.seen = self.seen[:end], self.seen[end:]
        return came

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def wait_for_editor(self) -> None:
        """The prompt comes a moment before the editor takes the terminal: until then it has a Ctrl-D of its own."""
        local_modes = 3
        deadline = time.monotonic() + 20
        while termios.tcgetattr(self.master)[local_modes] & termios.ICANON:
            self.assertLess(time.monotonic(), deadline, "the editor does not come")
            time.sleep(0.01)

    def test_a_session_at_the_terminal(self) -> None:
        self.type("CREATE STREAM s (id BIGINT, name STRING)\n")
        self.expect("-> ")
        self.type("WITH (KAFKA_TOPIC='s', VALUE_FORMAT='JSON');\n")
        self.expect("penstock> ")
        self.type("SET 'auto.offset.reset' = 'earliest';\n")
        self.expect("from now on")
        self.type("SELECT id, name FROM s EMIT CHANGES;\n")
        self.expect("|two")
        self.type("\x03")  # ends the query, not the console
        self.expect("Query ended")
        self.expect("penstock> ")
        self.type("half a stat\x03")  # drops the line
        self.expect("penstock> ")
        self.type("HELP\n")
        self.expect("EMIT CHANGES")
        self.type("SELECT nam FROM s EMIT CHANGES;\n")
        self.expect("NAME")
        self.expect("penstock> ")
        self.type("HISTORY\n")
        self.expect("CREATE STREAM s (id BIGINT, name STRING) WITH")
        self.expect("penstock> ")
        self.wait_for_editor()
        self.type("\x04")
        self.assertEqual(self.console.wait(timeout=20), 0)
        history = self.folder / ".local" / "state" / "penstock" / "history"
        self.assertEqual(stat.S_IMODE(history.stat().st_mode), 0o600)

    def test_exit_leaves(self) -> None:
        self.type("EXIT\n")
        self.assertEqual(self.console.wait(timeout=20), 0)


if __name__ == "__main__":
    unittest.main()
