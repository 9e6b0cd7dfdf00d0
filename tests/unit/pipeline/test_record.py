"""The record of what a stage made: it counts only what is there, and touches nothing else."""

from pipeline.record import Made, read, read_of, write

FACTS = {"seed": 1, "pictures": [["cat", "abc"]]}


def test_what_was_written_is_read_back(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"12345")
    made = {"cat": Made(files=["cat.png"], note="cat: odd")}
    write(tmp_path / ".made.json", FACTS, made)
    assert read(tmp_path / ".made.json") == made
    assert read_of(tmp_path / ".made.json", FACTS) == made


def test_other_facts_mean_that_nothing_is_made_yet(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"12345")
    write(tmp_path / ".made.json", FACTS, {"cat": Made(files=["cat.png"])})
    assert read_of(tmp_path / ".made.json", FACTS | {"seed": 2}) == {}


def test_a_file_that_is_gone_or_has_another_size_does_not_count(tmp_path):
    for name in ("cat.png", "dog.png", "fox.png", "fox_mask.png"):
        (tmp_path / name).write_bytes(b"12345")
    made = {name: Made(files=[f"{name}.png"]) for name in ("cat", "dog")}
    write(tmp_path / ".made.json", FACTS, made | {"fox": Made(files=["fox.png", "fox_mask.png"])})
    (tmp_path / "dog.png").write_bytes(b"123")
    (tmp_path / "fox_mask.png").unlink()
    assert list(read(tmp_path / ".made.json")) == ["cat"]


def test_without_a_record_nothing_is_made(tmp_path):
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "torn.json").write_text('{"made"')
    assert read(tmp_path / "none.json") == read(tmp_path / "list.json") == read(tmp_path / "torn.json") == {}
