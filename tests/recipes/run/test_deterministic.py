"""Deterministic operations of TensorFlow: a run under them is stored, resumed and reproduced."""

import json
import subprocess
import sys

# TensorFlow reads whether operations are deterministic once, when it starts.
SCRIPT = """
from keras_recipes.recipes.cli import main
data = "{source: iris, batch_size: 16, validation: 20, test: 20}"
open("r.yaml", "w").write(
    f"data: {data}\\nmodel: {{layers: [{{dense: {{units: 3}}}}, {{dropout: {{rate: 0.1}}}}]}}\\n"
    "epochs: 2\\n"
)
assert main(["train", "r.yaml", "-q", "--out", "run", "--deterministic"]) == 0
assert main(["reproduce", "run", "-q", "--deterministic"]) == 0
"""


def test_a_deterministic_run_is_reproduced(tmp_path):
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert "the same, bit for bit" in done.stdout
    assert not done.stderr
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["environment"]["TF_DETERMINISTIC_OPS"] == "1"
