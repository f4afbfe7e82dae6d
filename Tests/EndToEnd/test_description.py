"""The description at /openapi.json as strangers' tools read it, and the code of docs/api.md as people copy it."""

import os
import re
import subprocess
import sys
import unittest

from common import ROOT, ClusterCase
from lib import description


class Description(ClusterCase):
    def url(self, path=""):
        return f"http://127.0.0.1:{self.cluster.http}{path}"

    def test_it_is_valid(self):
        self.assertEqual(description.validate(self.url("/openapi.json"), self.folder), [])

    def test_a_walk_along_its_links_finds_nothing(self):
        self.assertEqual(description.walk(self.url("/openapi.json"), self.folder, examples=5), [])

    def test_a_generated_client_buys_a_seat(self):
        package = description.generate_client(self.url("/openapi.json"), self.folder)
        script = os.path.join(ROOT, "bench", "lib", "tool_scripts", "generated_client.py")
        done = subprocess.run([description.client_python(), script, package, self.url()], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("confirmed", done.stdout)


class Page(ClusterCase):
    """docs/api.md: its blocks run, and its table has every code that the description names."""

    def setUp(self):
        with open(os.path.join(ROOT, "docs", "api.md")) as file:
            self.text = file.read()

    def blocks(self, language):
        code = "\n".join(re.findall(rf"^```{language}\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL))
        self.assertIn("http://localhost:8080", code)
        return code.replace("http://localhost:8080", f"http://127.0.0.1:{self.cluster.http}")

    def run_code(self, *command, code):
        done = subprocess.run([*command, code], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_the_sale_in_curl(self):
        out = self.run_code("bash", "-euo", "pipefail", "-c", code=self.blocks("sh"))
        self.assertIn('["confirmed",["Stalls-A-1","Stalls-A-2"],9000]', out)
        self.assertIn('"free": 800', out)
        self.assertIn('[{"Standing":2},3000]', out)

    def test_the_sale_in_python(self):
        self.run_code(sys.executable, "-c", code=self.blocks("python"))

    def test_every_code_of_the_description_is_explained(self):
        _, _, document = self.cluster.get("/openapi.json")
        codes = set()
        for item in document["paths"].values():
            for operation in item.values():
                for status, response in operation["responses"].items():
                    if status[0] in "45":
                        text = response.get("description") or document["components"]["responses"][response["$ref"].split("/")[-1]]["description"]
                        codes |= {code for code in re.findall(r"`([a-z]+_[a-z_]+)`", text)}
        known = set(re.findall(r"`([a-z_]+)`", self.text))
        of_the_message = {"uri_too_long", "expectation_failed", "version_not_supported", "too_large", "no_such_route"}
        fields = {"limit_name", "on_sale_at", "order_status"}
        self.assertGreater(len(codes), 12)
        self.assertEqual(codes - known - of_the_message - fields, set())


if __name__ == "__main__":
    unittest.main()
