"""How far a job is goes up only, and is told in words that fit their numbers."""

import pytest

from bot.status import Pace, bar, queued_text, running_text, share_of, time_text
from bot.texts import Words
from pipeline.jobs.words import JobSpec, Kind, Position, Progress


def spec(kind, photos=1, **options):
    names = tuple(f"photo{number}" for number in range(photos)) if kind is Kind.DRAW else ()
    return JobSpec(job_id="j", person="ann", kind=kind, profile="embedded", style="s", photos=names, options=options)


def progress(stage, done, total=20):
    return Progress(stage=stage, done=done, total=total)


def at(share):
    """So much of the whole, by a stage that nobody knows."""
    return progress("work", round(1000 * share), 1000)


@pytest.mark.parametrize(
    "stages", [("pack-captions", "class-pictures", "encode", "learn"), ("caption", "generate", "cutout")]
)
def test_from_stage_to_stage_the_share_goes_up_and_ends_at_the_whole(stages):
    shares = [share_of(progress(stage, done)) for stage in stages for done in range(1, 21)]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert share_of(None) == 0.0
    assert share_of(progress("learn", 0, 0)) == 0.0


def test_a_stage_that_begins_again_takes_nothing_back():
    pace = Pace()
    pace.see(at(0.6), 10.0)
    pace.see(at(0.2), 20.0)
    assert pace.share == 0.6


def test_the_time_that_is_left_follows_the_pace_and_is_not_told_before_there_is_one():
    pace = Pace()
    pace.see(at(0.0), 100.0)
    assert pace.left_s is None
    pace.see(at(0.25), 130.0)
    assert pace.left_s == pytest.approx(90.0)
    assert time_text(Words("en"), 90.0) == "about 90 s"
    assert time_text(Words("en"), 91.0) == "about 2 min"
    assert time_text(Words("ru"), 3.0) == "ещё ~10 с"


def test_what_comes_before_the_steps_foretells_nothing_of_them():
    """Captions are found in a moment, encoding takes its time: neither is the pace of a training."""
    pace = Pace()
    for now_s, stage, done in (
        (0, "pack-captions", 1),
        (1, "pack-captions", 20),
        (60, "encode", 1),
        (90, "encode", 20),
    ):
        pace.see(progress(stage, done), float(now_s))
    assert pace.left_s is None
    assert pace.share == pytest.approx(0.15)
    pace.see(progress("learn", 1), 100.0)
    pace.see(progress("learn", 3), 120.0)
    assert pace.left_s == pytest.approx(170.0)  # 17 steps of 10 s


def test_the_time_that_is_told_goes_down_only_unless_it_was_quite_wrong():
    """What the past of other jobs says first, then a pace that is no even one."""
    pace, told = Pace(), []

    def tell(position=None):
        text = running_text(Words("en"), spec(Kind.DRAW), "", pace, position)
        told.append(int(text.partition("about ")[2].removesuffix(" s")))

    tell(Position(ahead=0, eta_s=60.0))
    for now_s, share in ((0.0, 0.1), (10.0, 0.2), (20.0, 0.25), (24.0, 0.4), (32.0, 0.45), (36.0, 0.6), (40.0, 0.8)):
        pace.see(at(share), now_s)
        if pace.left_s is not None:
            tell()
    assert told == sorted(told, reverse=True)
    assert told[-1] == 20
    pace.see(at(0.81), 140.0)  # something is in its way
    tell()
    assert told[-1] > 30


@pytest.mark.parametrize(("share", "full"), [(0.0, 0), (0.55, 5), (0.999, 9), (1.0, 10)])
def test_the_bar_has_ten_signs_and_is_full_only_at_the_end(share, full):
    assert bar(share) == "▰" * full + "▱" * (10 - full)


def test_a_waiting_job_tells_its_place_in_the_forms_of_its_language():
    place = Position(ahead=3, eta_s=200.0)
    assert queued_text(Words("en"), spec(Kind.LEARN), "Cats", place) == (
        "“Cats”: waiting in line, 3 jobs ahead.\nabout 4 min"
    )
    assert "впереди 3 задания" in queued_text(Words("ru"), spec(Kind.LEARN), "Cats", place)
    assert "next in line." in queued_text(Words("en"), spec(Kind.DRAW), "", Position(ahead=0, eta_s=None))


def test_a_running_job_tells_percents_and_what_the_past_says_until_it_has_a_pace():
    pace = Pace(share=0.5)
    assert running_text(Words("en"), spec(Kind.DRAW), "", pace, Position(ahead=0, eta_s=30.0)) == (
        "I'm drawing your sticker.\n▰▰▰▰▰▱▱▱▱▱ 50 % · about 30 s"
    )
    assert running_text(Words("en"), spec(Kind.DRAW), "", pace, None).endswith("50 %")


@pytest.mark.parametrize(
    ("photos", "count", "said"), [(3, None, "3 стикера"), (1, 4, "4 стикера"), (5, 1, "5 стикеров")]
)
def test_a_job_of_several_says_how_many(photos, count, said):
    assert running_text(Words("ru"), spec(Kind.DRAW, photos, count=count), "", Pace(), None).startswith(
        f"Рисую ваши {said}"
    )
