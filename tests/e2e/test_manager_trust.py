"""What somebody with the manager's folder may try, and what the owner may do with his key."""

import shutil
import unittest

from manager_case import ManagerCase


class ManagerTrust(ManagerCase):
    def refused_manager(self, *more: object) -> str:
        log = self.folder / "refused.log"
        with log.open("w") as stderr:
            manager = self.start(self.manager_program(), "--data", self.store, "--listen", "127.0.0.1:0", *more,
                                 stderr=stderr)
        self.assertNotEqual(manager.wait(timeout=30), 0)
        return log.read_text()

    @staticmethod
    def manager_program():
        from manager_case import MANAGER
        return MANAGER

    def test_an_owners_key_that_was_put_there_does_not_become_the_owner(self) -> None:
        other = self.folder / "other"
        self.end(self.start_manager(store=other))
        self.end(self.manager)
        shutil.copy(other / "owner.key.pem", self.store / "owner.key.pem")
        self.assertIn("owner.key.pem", self.refused_manager("--development"))

    def test_a_production_manager_does_not_become_a_development_one(self) -> None:
        self.end(self.manager)
        self.store = self.folder / "production"
        production = self.start_manager("--name", "localhost", store=self.store)
        self.end(production)
        (self.store / "manager.sqlite").unlink()
        self.assertIn("--development", self.refused_manager("--development"))

    def test_rotation_needs_the_owners_signature(self) -> None:
        owner = ("--owner-key", self.store / "owner.key.pem")
        refused = self.admin("rotate", "admin-token", expect=None)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("--owner-key", refused.stderr)
        before = (self.store / "admin.token").read_text()
        self.admin("rotate", "admin-token", *owner)
        self.assertNotEqual((self.store / "admin.token").read_text(), before)
        self.admin("app", "list")
        following = self.folder / "next.key.pem"
        self.admin("rotate", "owner-key", "--out", following, *owner)
        self.assertFalse((self.store / "owner.key.pem").exists())
        self.admin("rotate", "token-key", "--owner-key", following)
        self.assertEqual([e["action"] for e in self.audit() if e["action"].startswith("rotate.")],
                         ["rotate.admin_token", "rotate.owner_key", "rotate.token_key"])
        self.end(self.manager)
        self.manager = self.start_manager()
        self.admin("app", "list", "--owner-key", following)


if __name__ == "__main__":
    unittest.main()
