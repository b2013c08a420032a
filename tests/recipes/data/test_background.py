"""What is written to the cache beside other work."""

import subprocess
import sys
import threading

from keras_recipes.recipes.data.background import FEW_BYTES, wait_for, write_behind


def test_little_is_written_at_once(tmp_path):
    done = []
    write_behind(tmp_path, lambda: done.append(threading.current_thread()), FEW_BYTES - 1)
    assert done == [threading.current_thread()]


def test_much_is_written_in_order_and_can_be_waited_for(tmp_path):
    go, done = threading.Event(), []

    def write(name):
        assert go.wait(60)
        done.append((name, threading.current_thread()))

    for name in ("first", "second"):
        write_behind(tmp_path / name, lambda name=name: write(name), FEW_BYTES)
    wait_for(tmp_path / "another")
    assert done == []
    go.set()
    wait_for(tmp_path / "second")
    assert [name for name, _ in done] == ["first", "second"]
    assert threading.current_thread() not in [thread for _, thread in done]
    wait_for(tmp_path / "second")


def test_a_process_does_not_end_before_all_is_written(tmp_path):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from keras_recipes.recipes.data.background import FEW_BYTES, write_behind\n"
        "path = Path(sys.argv[1])\n"
        "write_behind(path, lambda: (time.sleep(0.2), path.write_text('whole')), FEW_BYTES)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "file")], check=True)
    assert (tmp_path / "file").read_text() == "whole"
