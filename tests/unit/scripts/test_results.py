"""How models and sizes are told, and what is said to be done about what is missing."""

import os

import pytest

from pipeline.hub import ModelStatus
from pipeline.settings import load_profile
from scripts import commands, results


def model(role="base", **changes):
    facts = {
        "role": role,
        "where": "owner/name@abc",
        "on_hub": True,
        "size_mb": 2134.0,
        "licence": "MIT",
        "ready": False,
        "missing": ("a.safetensors", "b.json"),
        "broken": None,
    }
    return ModelStatus(**(facts | changes))


@pytest.mark.parametrize(
    ("megabytes", "text"), [(None, "?"), (0.5, "0.5 MB"), (12.34, "12.3 MB"), (723, "723 MB"), (4737, "4.7 GB")]
)
def test_size(megabytes, text):
    assert results.size(megabytes) == text


def test_what_a_model_lacks_is_named():
    assert results.lack(model()) == "to be fetched"
    assert results.lack(model(on_hub=False)) == "lacks a.safetensors and 1 more file"
    assert results.lack(model(broken="a.safetensors is cut", missing=())) == "broken: a.safetensors is cut"
    assert results.lack(model(ready=True, missing=())) == "ready"


def test_the_remedy_names_the_command_and_only_the_size_of_what_lacks():
    profile = load_profile("sd15")
    there = model("caption", ready=True, missing=(), size_mb=1880.0)
    assert results.remedy(profile, [there]) is None
    assert results.remedy(profile, [model(), there]) == "run `stickers models pull sd15` (2.1 GB)"
    local = model("segmentation", on_hub=False, size_mb=None)
    assert "git checkout" in results.remedy(profile, [there, local])


def test_the_list_of_models_tells_licence_place_and_what_to_do(capsys):
    profile = load_profile("sd15")
    results.tell_models([(profile, [model()])], as_json=False)
    shown = capsys.readouterr().out
    for words in ("sd15: ", "2.1 GB", "MIT", "owner/name@abc", "to be fetched", "stickers models pull sd15"):
        assert words in shown


def test_a_report_without_times_makes_no_table(capsys):
    results.tell_stages({})
    assert capsys.readouterr().out == ""


def test_what_an_earlier_run_did_is_not_counted_again(capsys):
    """Loading the libraries is a row of its own."""
    report = {
        "seconds": {"intake": 0.5, "train": 60.0, "cutout": 2.0},
        "peak_memory_mb": {"intake": 100.0, "train": 900.0, "cutout": 300.0},
        "done_before": ["train"],
    }
    results.tell_stages(report, woke_s=4.1)
    rows = {line.split("  ")[1]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert "(done before)" in rows["learning the style"]
    assert "60.0" not in rows["learning the style"]
    assert rows["waking the models"].split()[-1] == "4.1"
    assert rows["together"].split() == ["together", "6.6", "300", "MB"]


@pytest.mark.parametrize(("name", "method"), [("embedded", "dreambooth"), ("sd15", "lora")])
def test_the_list_of_models_shows_the_defaults(name, method):
    profile = load_profile(name)
    shown = results.defaults(profile)
    assert f"--method {method} --train-steps {profile.train.steps} --steps {profile.generate.steps}" in shown
    assert results.profile_json(profile, [])["defaults"]["strength"] == profile.generate.strength


@pytest.mark.parametrize(
    ("load", "threads", "said"),
    [(2.9, None, "OMP_NUM_THREADS=1 before"), (3.2, None, "OMP_NUM_THREADS=1 before"), (1.0, None, ""), (4.0, "1", "")],
)
def test_a_busy_machine_is_told_with_the_threads_that_are_left(load, threads, said, monkeypatch, capsys):
    monkeypatch.setattr(os, "cpu_count", lambda: 4 if load > 3 else 3)
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    if threads:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    else:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    commands.warn_if_busy()
    shown = " ".join(capsys.readouterr().err.split())
    assert (said in shown) if said else shown == ""
