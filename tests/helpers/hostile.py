"""A trained run as a stranger could have made it, and a watch over what is touched outside."""

import contextlib
import hashlib
import io
import json
import os
import sys
import zipfile
from pathlib import Path

import numpy as np

from keras_recipes.recipes.record.directory import RunDirectory

# Events of Python that name a path, with the places of paths in their arguments.
PATHS = {
    "open": (0,),
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.link": (0, 1),
    "os.symlink": (0, 1),
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.utime": (0,),
    "os.listdir": (0,),
    "os.scandir": (0,),
    "shutil.rmtree": (0,),
    "shutil.copyfile": (0, 1),
    "shutil.move": (0, 1),
}
# Events that no verb may cause.
FORBIDDEN = (
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.fork",
    "pty.spawn",
    "ctypes.dlopen",
    "webbrowser.open",
    "urllib.Request",
    "pickle.find_class",
)


class Watch:
    """Keeps what happens while it is on; a hook of Python cannot be taken away again."""

    def __init__(self):
        self.outside: str | None = None
        self.seen: list[str] = []
        sys.addaudithook(self._hook)

    def _hook(self, event, arguments):
        if self.outside is None:
            return
        # The manifest names the commit that the run was made from.
        if event in FORBIDDEN and arguments[0] != "git":
            self.seen.append(f"{event} {arguments}")
        for place in PATHS.get(event, ()):
            path = arguments[place] if place < len(arguments) else None
            if isinstance(path, bytes):
                path = os.fsdecode(path)
            if isinstance(path, (str, Path)) and self.outside in os.path.realpath(path):
                self.seen.append(f"{event} {path}")

    @contextlib.contextmanager
    def over(self, outside):
        """Watch a folder, and everything that leaves the process."""
        self.outside, self.seen = str(outside), []
        try:
            yield
        finally:
            self.outside = None


class Outside:
    """A folder beside the run: a file to keep, and a secret that must show nowhere."""

    SECRET = "sesame-17-open"

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / "keep.txt").write_text("kept as it is\n" * 100)
        (folder / "secret.txt").write_text(f"{self.SECRET}\nother\n")
        (folder / "folder").mkdir()
        self.before = self.now()

    def now(self):
        return {
            str(path): path.read_bytes() if path.is_file() else None
            for path in sorted(self.folder.rglob("*"))
        }

    def check(self, reported, *folders):
        """Nothing was written, removed or reported."""
        assert self.now() == self.before
        assert self.SECRET not in reported
        for folder in folders:
            for path in folder.rglob("*"):
                if path.is_file() and not path.is_symlink():
                    content = path.read_bytes()
                    assert self.SECRET.encode() not in content, path
                    if zipfile.is_zipfile(path):
                        with zipfile.ZipFile(path) as archive:
                            for name in archive.namelist():
                                with contextlib.suppress(Exception):
                                    assert self.SECRET.encode() not in archive.read(name), path


def states(run):
    return sorted((run / "checkpoints" / "state").iterdir())


def change_state(run, change):
    """Change the stored state, and make its hashes right again."""
    folder = states(run)[-1]
    state = json.loads((folder / "state.json").read_text())
    found = change(state)
    (folder / "state.json").write_text(json.dumps(state if found is None else found))
    sign(folder)


def change_arrays(run, content):
    folder = states(run)[-1]
    (folder / "arrays.npz").write_bytes(content)
    sign(folder)


def sign(folder):
    """Sizes and hashes of the files that are there."""
    listed = json.loads((folder / "files.json").read_text())
    for name in listed["files"]:
        content = (folder / name).read_bytes()
        listed["files"][name] = [len(content), hashlib.sha256(content).hexdigest()]
    (folder / "files.json").write_text(json.dumps(listed))


def callback(state, name):
    return next(row for row in state["callbacks"] if row["class"] == name)


def npz(arrays, pack=zipfile.ZIP_STORED, edit=bytes):
    """An archive of arrays, packed and changed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", pack) as archive:
        for index, array in enumerate(arrays):
            one = io.BytesIO()
            np.lib.format.write_array(one, array, allow_pickle=True)
            archive.writestr(f"{index:06d}.npy", edit(one.getvalue()))
    return content.getvalue()


def relist(run):
    """List the files of a run in its result, and its recipe in its manifest, as they are now."""
    directory = RunDirectory(run)
    manifest = json.loads((run / "manifest.json").read_text())
    recipe = (run / "recipe.yaml").read_bytes()
    manifest["fingerprints"]["recipe"] = hashlib.sha256(recipe).hexdigest()
    (run / "manifest.json").write_text(json.dumps(manifest))
    directory.write_result(json.loads((run / "result.json").read_text()))


def with_member(path, name, content):
    """Put a member into an archive, in place of one with this name."""
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for member, data in {**members, name: content}.items():
            archive.writestr(member, data)
