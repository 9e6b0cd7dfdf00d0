"""Waiting for a job: a bar for each thing that is counted, so that the time left is one."""

from pipeline.jobs.ledger import Ledger
from pipeline.jobs.words import Kind, Progress
from scripts.progress import Lines
from scripts.service.follow import follow
from tests.queue_desk import spec


def test_captions_and_class_pictures_have_a_bar_each(jobs):
    """Twenty-four captions and twenty denoising steps are not forty-four of the same."""
    jobs.submit(spec("j", Kind.LEARN))
    ledger, said = Ledger(jobs.engine, "w"), []
    claim = ledger.claim("j")
    for stage, total in (("pack-captions", 24), ("class-pictures", 20), ("learn", 10)):
        for done in (1, total):
            ledger.tell(claim, Progress(stage=stage, done=done, total=total))

    def stop():
        """Asked before each look: the second time everything was told."""
        asked.append(len(said))
        return len(asked) > 1

    asked = []
    with Lines(said.append, every_s=0.0) as lines:
        follow(jobs, "j", lines, stop)
    begun = [line for line in said if line.endswith("…")]
    assert begun == ["describing the pack…", "drawing what the model knows…", "learning the style…"]
    assert any(line.startswith("describing the pack: 1/24 pictures") for line in said)
    assert any(line.startswith("drawing what the model knows: 1/20 steps") for line in said)
