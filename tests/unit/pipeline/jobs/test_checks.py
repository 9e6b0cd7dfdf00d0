"""What is no job is refused with its value, whatever it is made of."""

from dataclasses import replace

import pytest

from pipeline.errors import BadJob
from pipeline.jobs.checks import check
from pipeline.jobs.words import Kind
from tests.queue_desk import spec

DEEP = []
for _ in range(20):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"kind": "draw"}, "kind = 'draw': it is one of learn, draw"),
        ({"kind": None}, "kind = None"),
        ({"profile": None}, "profile = None"),
        ({"profile": ""}, "profile = ''"),
        ({"style": 7}, "style = 7"),
        ({"style": "a/b"}, "style = 'a/b'"),
        ({"photos": "photo"}, "photos = 'photo'"),
        ({"photos": (1,)}, r"photos = \(1,\)"),
        ({"pack": None}, "pack = None"),
        ({"options": None}, "options = None"),
        ({"options": [1]}, r"options = \[1\]"),
        ({"options": {"strength": float("nan")}}, r"options\['strength'\] = nan: no value of JSON"),
        ({"options": {"strength": float("inf")}}, r"options\['strength'\] = inf"),
        ({"options": {"seconds": {"a": [1.0, -float("inf")]}}}, r"options\['seconds'\]\['a'\]\[1\] = -inf"),
        ({"options": {"words": b"bytes"}}, r"options\['words'\] = b'bytes'"),
        ({"options": {"words": {1, 2}}}, r"options\['words'\] = \{1, 2\}"),
        ({"options": {5: "x"}}, "options: 5 is no name"),
        ({"options": {"seed": 10**400}}, r"options\['seed'\] = 1000"),
        ({"options": {"seed": 10**5000}}, r"options\['seed'\] = a number of 16610 bits"),
        ({"options": {"deep": DEEP}}, r"no value of JSON"),
    ],
)
def test_what_is_no_job_is_refused_with_its_value(jobs, wrong, sentence):
    """And nothing of it is in the queue; the message is one line."""
    with pytest.raises(BadJob, match=sentence) as caught:
        jobs.submit(replace(spec("j"), **wrong))
    assert len(str(caught.value)) < 300
    assert jobs.list() == []


def test_what_json_can_carry_comes_back_as_it_was(jobs):
    options = {
        "count": 2,
        "strength": 0.7,
        "words": "\ud800 ☂ [x]",
        "none": None,
        "yes": True,
        "deep": {"a": [1, [2.5]]},
    }
    job = replace(spec("j", Kind.DRAW), options=options)
    check(job)
    assert jobs.submit(job).spec == job
