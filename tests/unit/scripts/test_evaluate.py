"""``stickers evaluate`` on tiny models and tiny art: every part, the table, the files, and going on where it was."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

pytest.importorskip("torchmetrics", reason="the extra `evaluate` is not installed")

from pipeline.domain import Report, never_stop, no_report
from pipeline.errors import BadInput, Stopped
from pipeline.settings import Settings, load_profile
from scripts.cli import app
from scripts.embedded import baseline
from scripts.embedded.art import is_held_out
from scripts.evaluate import clip, neutrality, result, run
from scripts.evaluate import subject as subjects
from scripts.evaluate.parts import PARTS
from scripts.evaluate.plan import SOURCES, plan_of
from tests.tiny_art import names, write_art
from tests.tiny_profile import write_profile
from tests.tiny_towers import write_clip

pytestmark = pytest.mark.slow

COUNT = 4


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a profile, the art, and a tiny CLIP as the hub has it; the profile has its own."""
    folder = tmp_path_factory.mktemp("evaluate")
    write_profile(folder)
    write_art(folder / "art")
    write_clip(folder / "clip", residual=False)
    return folder


@pytest.fixture(autouse=True)
def one_thread_and_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neutrality, "EPOCHS", 2)
    monkeypatch.setenv("COLUMNS", "200")
    torch.set_num_threads(1)


def order(place: Path, *parts: str, **changed: Any) -> run.Order:
    """An order for the tiny profile."""
    asked = {
        "profile": load_profile(str(place / "tiny.toml")),
        "parts": parts or tuple(PARTS),
        "art": place / "art",
        "work": place / "work",
        "out": place / "out",
        "count": COUNT,
        "seed": 0,
    }
    return run.Order(**(asked | changed))


def evaluated(
    asked: run.Order, should_stop: Callable[[], bool] = never_stop, told: list[str] | None = None
) -> dict[str, Any]:
    """The document."""

    def bar(what: str) -> Report:
        if told is not None:
            told.append(what)
        return no_report

    return run.evaluate(asked, Settings(cache_dir=asked.work / "cache", device="cpu"), bar=bar, should_stop=should_stop)


def rows(document: dict[str, Any], part: str) -> dict[str, dict[str, Any]]:
    """The rows of a part, by their metric."""
    found = next(one for one in document["parts"] if one["name"] == part)
    return {row["metric"]: row for row in found["rows"]}


@pytest.fixture(scope="module")
def document(place: Path) -> dict[str, Any]:
    """All parts, measured once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neutrality, "EPOCHS", 2)
        patch.setattr(run, "WEIGHTS", place / "absent.safetensors")  # whoever trained one has it in build/
        patch.setitem(
            clip.SOURCES,
            "CLIP-score",
            clip.Source(model=str(place / "clip"), processor=str(place / "clip"), relative=True),
        )
        return evaluated(order(place))


def test_every_part_of_the_table_has_figures(document: dict[str, Any]) -> None:
    """And each value lies in its interval; a share lies between 0 and 1."""
    assert [part["name"] for part in document["parts"]] == list(PARTS)
    for part in document["parts"]:
        assert any(row["value"] is not None for row in part["rows"]), part["name"]
        for row in part["rows"]:
            if row["low"] is not None:
                assert row["low"] <= row["value"] <= row["high"] or "τ" in row["metric"], row
            if row["unit"] == result.SHARE and row["value"] is not None:
                assert 0 <= row["value"] <= 1


def test_segmentation_is_told_by_ground_and_the_absent_baseline_by_its_command(document: dict[str, Any]) -> None:
    found = rows(document, "segmentation")
    assert {f"SegFormer, IoU, {kind}" for kind in ("all grounds", "plain", "gradient", "texture", "photograph")} <= set(
        found
    )
    assert found["U-Net, IoU"]["value"] is None
    assert "python -m scripts.embedded.baseline" in found["U-Net, IoU"]["note"]


def test_captions_are_told_for_learned_and_new_names_against_chance(document: dict[str, Any]) -> None:
    found = rows(document, "captions")
    assert found["the caption names the thing, names learned in other styles"]["n"] == COUNT
    assert found["the caption names the thing, names never learned"]["n"] == sum(map(is_held_out, names()))
    assert any("shuffled" in metric for metric in found)


def test_emoji_are_told_for_learned_and_new_names_against_chance(document: dict[str, Any]) -> None:
    """With drawings of what was proposed beside those that were asked about."""
    found = rows(document, "emoji")
    assert found["the right emoji is the first, names learned in other styles"]["n"] == COUNT
    assert found["the right emoji is among the first 5, names never learned"]["n"] == sum(map(is_held_out, names()))
    assert all(row["note"].startswith("chance 0.") for row in found.values())
    figures = next(part for part in document["parts"] if part["name"] == "emoji")["figures"]
    assert {len(row["pictures"]) for figure in figures for row in figure["rows"]} == {4}


def test_each_way_of_restyling_has_its_scores(document: dict[str, Any]) -> None:
    found = rows(document, "personalisation")
    for way in ("img2img alone", "LoRA", "DreamBooth"):
        assert any(metric.startswith(f"{way}: nearer to it") for metric in found), way
        assert found[f"{way}: style and content pass"]["n"] == COUNT
        assert found[f"{way}: content passes"]["note"] == "chance 25.0%"
    assert not any(metric.startswith("untouched: nearer") for metric in found)


def test_the_judge_of_line_and_colour_tells_the_tiny_sets_apart(document: dict[str, Any]) -> None:
    """They differ by the width of their lines alone."""
    assert rows(document, "personalisation")["judge of style by line and colour: right on true drawings"]["value"] > 0.7


def test_the_metric_study_orders_what_can_be_measured_and_names_the_rest(document: dict[str, Any]) -> None:
    found = rows(document, "metrics")
    for metric in ("FID", "KID", "IS", "ERGAS", "CLIP-score (tiny)", "CLIP-score"):
        assert -1 <= found[f"{metric}, Kendall τ"]["value"] <= 1
    assert "yuvalkirstain/PickScore_v1 is not on this machine" in found["PickScore, and its prompt search"]["note"]
    for scorer in ("CLIP-score (tiny)", "CLIP-score"):
        assert sum(metric.startswith(f"{scorer}, prompt “") for metric in found) >= 10
    assert "ERGAS, painted" not in found  # it would be the truth against itself


def test_the_page_is_one_file_with_its_pictures_and_no_script(document: dict[str, Any], place: Path) -> None:
    text = (place / "out" / run.PAGE).read_text(encoding="utf-8")
    assert text.count("data:image/webp;base64,") >= 20
    assert "<script" not in text
    assert re.findall(r'(?:src|href)="(?!data:|#)', text) == []
    assert "prefers-color-scheme: dark" in text
    assert 'name="viewport"' in text
    assert json.loads((place / "out" / run.JSON).read_text(encoding="utf-8")) == document


def test_what_is_measured_already_is_not_measured_again(
    document: dict[str, Any], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither with the same settings, nor after a part that was stopped; another seed is another measurement."""
    monkeypatch.setitem(
        clip.SOURCES, "CLIP-score", clip.Source(model=str(place / "clip"), processor=str(place / "clip"), relative=True)
    )
    monkeypatch.setattr(subjects, "gallery", None)  # opening a gallery would fail
    told: list[str] = []
    assert evaluated(order(place), told=told)["parts"] == document["parts"]
    assert len(told) == len(PARTS)
    with pytest.raises(TypeError):
        evaluated(order(place, "captions", seed=1))


def test_what_other_code_made_is_made_again(
    document: dict[str, Any], place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only measured: styles that were learned and drawings that were drawn by it do not count either."""
    (tmp_path / "changed.py").touch()
    monkeypatch.setattr(subjects, "ROOMS", (*subjects.ROOMS, tmp_path))
    kept = {room: {*(place / "work" / "tiny" / room).iterdir()} for room in ("styles", "drafts")}
    evaluated(order(place, "personalisation"))
    for room, before in kept.items():
        assert len(before) > 0
        assert {*(place / "work" / "tiny" / room).iterdir()} > before


def test_a_stopped_part_leaves_nothing_that_counts(document: dict[str, Any], place: Path) -> None:
    with pytest.raises(Stopped):
        evaluated(order(place, "segmentation", "structure", count=2, out=place / "stopped"), should_stop=lambda: True)
    assert not (place / "stopped").exists()
    assert len(evaluated(order(place, "segmentation", count=2, out=place / "on"))["parts"]) == 1


def test_things_and_pack_share_nothing_and_new_names_come_first(document: dict[str, Any], place: Path) -> None:
    profile = load_profile(str(place / "tiny.toml"))
    subject = subjects.Subject(
        models=run.Models(profile, run.choose_device("cpu")),
        settings=Settings(),
        art=place / "art",
        rendered=place / "work" / "art",
        work=place / "work",
        baseline=place / "none",
    )
    plan = plan_of(subject, count=5, seed=0)
    codes = [thing.code for thing in plan.things]
    assert len(set(codes)) == 5
    assert set(codes).isdisjoint(picture.name for picture in plan.pack.pictures)
    assert [thing.source for thing in plan.things][:3] == list(SOURCES)
    assert plan.things[0].new
    assert {style: len(found) for style, found in plan.references.items()} == {
        style: len(plan.pack.pictures) for style in (*SOURCES, subjects.HELD_OUT)
    }
    with pytest.raises(BadInput, match="only 14 things"):
        plan_of(subject, count=1, seed=0)


def test_the_baseline_is_measured_where_it_is(
    document: dict[str, Any], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its weights are among what the result depends on."""
    monkeypatch.setattr(run, "WEIGHTS", place / "unet.safetensors")
    baseline.save_file(baseline.UNet().state_dict(), place / "unet.safetensors")
    found = rows(evaluated(order(place, "segmentation", out=place / "with-unet")), "segmentation")
    assert 0 <= found["U-Net, IoU, plain"]["value"] <= 1
    assert "U-Net, IoU" not in found


def test_the_command_prints_a_table_or_json(document: dict[str, Any], place: Path) -> None:
    words = ["evaluate", "--profile", str(place / "tiny.toml"), "--only", "captions", "--count", str(COUNT)]
    words += ["--art", str(place / "art"), "--work", str(place / "work"), "--out", str(place / "told")]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.stderr
    assert "the caption names the thing, names learned in other styles" in shown.stdout
    assert str(place / "told" / run.PAGE) in shown.stdout
    assert json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)["parts"][0]["name"] == "captions"
