"""What a manifest says of the code that trained."""

import subprocess

import pytest

from keras_recipes.recipes.record.manifest import git_commit


@pytest.fixture
def checkout(tmp_path):
    """A repository with a commit and a tag, and what runs git in it."""

    def git(*arguments):
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        command = ["git", *who, *arguments]
        done = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "code.py").write_text("a = 1\n")
    git("add", "code.py")
    git("commit", "-qm", "first")
    git("tag", "v1")
    return tmp_path, git


def test_the_commit_and_whether_files_differ_from_it(checkout):
    folder, git = checkout
    commit = git("rev-parse", "HEAD")
    assert git_commit(folder) == commit
    (folder / "new.py").write_text("not tracked\n")
    assert git_commit(folder) == commit
    (folder / "code.py").write_text("a = 2\n")
    assert git_commit(folder) == commit + "-dirty"


def test_outside_of_a_repository_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert git_commit(tmp_path) is None
    assert git_commit(tmp_path / "absent") is None
