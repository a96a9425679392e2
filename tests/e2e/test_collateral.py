"""Collateral as the vendor signs it, in a bundle; real files beside the project, where they are there."""

import json
import unittest

from harness import PRECONDITION, SOURCE, USAGE, Case

VECTORS = SOURCE.parent / "shared" / "vectors"
SET = VECTORS / "tdx" / "dcap-qvl-v4"
IN_FORCE = "2025-07-01T00:00:00Z"


@unittest.skipUnless(SET.is_dir(), "no evidence beside the project")
class Bundle(Case):
    def setUp(self) -> None:
        super().setUp()
        self.bundle = self.folder / "collateral.json"
        self.inputs = json.loads((SET / "expected.json").read_text())["expect"]["inputs"]
        kinds = ("tcb_info", "qe_identity", "tcb_signing_chain", "root_ca_crl", "pck_crl")
        self.files = [f"{kind}={SET / self.inputs[kind]}" for kind in kinds]

    def test_is_imported_shown_and_checked(self) -> None:
        shown = self.penstock("collateral", "import", self.bundle, *self.files).stdout
        for kind in ("tcb_info", "qe_identity", "tcb_signing_chain", "root_ca_crl", "pck_crl"):
            self.assertIn(kind, shown)
        self.assertIn("TDX b0c06f000000", shown)
        self.assertEqual(self.penstock("collateral", "import", self.bundle, *self.files).stdout, shown)
        self.assertEqual(self.penstock("collateral", "show", self.bundle).stdout, shown)
        good = self.penstock("collateral", "check", self.bundle, "--at", IN_FORCE)
        self.assertIn("All 5 items hold.", good.stdout)
        alarm = self.penstock("collateral", "check", self.bundle, "--at", IN_FORCE, "--days", 60, expect=1)
        self.assertIn("holds only until 2025-07", alarm.stdout)
        self.penstock("collateral", "check", self.bundle, "--at", "2020-01-01T00:00:00Z", expect=1)

    def test_is_strict(self) -> None:
        self.penstock("collateral", "import", self.bundle, f"qe_identity={SET / self.inputs['tcb_info']}", expect=USAGE)
        self.penstock("collateral", "import", self.bundle, "nothing=" + str(SET / "expected.json"), expect=USAGE)
        self.penstock("collateral", "import", self.bundle, "tcb_info", expect=USAGE)
        self.assertFalse(self.bundle.exists())
        self.bundle.write_text("{}")
        self.penstock("collateral", "check", self.bundle, expect=USAGE)

    def test_does_not_go_back_behind_a_recovery(self) -> None:
        self.penstock("collateral", "import", self.bundle, *self.files)
        text = (SET / self.inputs["tcb_info"]).read_text()
        info = json.loads(text)["tcbInfo"]
        number = info["tcbEvaluationDataNumber"]
        older = text.replace(f'"tcbEvaluationDataNumber":{number}', f'"tcbEvaluationDataNumber":{number - 1}')
        older = older.replace(info["issueDate"], "2025-07-02T00:00:00Z")
        self.assertNotEqual(older, text)
        path = self.folder / "older.json"
        path.write_text(older)
        refused = self.penstock("collateral", "import", self.bundle, f"tcb_info={path}", expect=PRECONDITION)
        self.assertIn("recovery", refused.stderr)


@unittest.skipUnless(SET.is_dir(), "no evidence beside the project")
class DryRun(Case):
    def test_a_policy_is_asked_about_stored_evidence(self) -> None:
        policy = self.folder / "release.json"
        policy.write_text(json.dumps({"version": 1, "allOf": [{"claim": "tee_tcb_svn", "in": ["00"]}]}))
        told = self.penstock("policy", "explain", policy, "--evidence", SET, expect=1).stdout
        self.assertIn("names no build", told)
        self.assertIn("The policy would refuse.", told)
        judged = json.loads(self.penstock("evidence", "verify", SET, "--json").stdout)
        self.assertEqual(judged["outcome"], "accept")
        measurement = judged["claims"]["measurement"]
        policy.write_text(json.dumps({"version": 1, "allOf": [{"claim": "measurement", "equals": measurement}]}))
        told = self.penstock("policy", "explain", policy, "--evidence", SET).stdout
        self.assertNotIn("names no build", told)
        self.assertIn("The policy would release.", told)


if __name__ == "__main__":
    unittest.main()
