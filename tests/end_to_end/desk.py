"""What a refusal must be: exit code 2, one sentence, no traceback, in time, and nothing lost."""

import re

from scripts.progress import WAKING


def kept(folder):
    """Everything in the folder, but for the large file that is nothing."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.stat().st_size < 1_000_000)
    return {path: path.read_bytes() for path in files}


def refused(desk, *words, sentence="", woken=False):
    """Run; assert the rules of these tests.

    Args:
        woken: it takes the models' libraries to tell.
    """
    before, there = kept(desk.tmp), set(desk.tmp.rglob("*"))
    done = desk.stickers(*words)
    assert_refused(done.exit_code, done.stderr, sentence)
    assert (WAKING in done.stderr) == woken
    after = kept(desk.tmp)
    assert {path: after.get(path) for path in before} == before  # nothing is lost
    assert woken or set(desk.tmp.rglob("*")) == there  # and no empty folder is left
    return done


def assert_refused(exit_code, stderr, sentence):
    """Exit code 2; the error is one line, the last; the lines before it tell of progress."""
    lines = stderr.splitlines()
    assert exit_code == 2, stderr
    assert [line.startswith("error: ") for line in lines] == [False] * (len(lines) - 1) + [True], stderr
    assert "Traceback" not in stderr
    assert re.search(sentence, lines[-1]), lines[-1]
