"""The queue's own tables, beside those of the engine in the same database.

Owns their columns; those that hold what people say are sealed (see ``envelope``). A job's row is the truth about it:
where it stands, who works on it, what came of it; the engine only knows what is to be run next and which stages are
done. Knows no policy. Light: loads SQLAlchemy.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.schema import CreateIndex, CreateTable

from pipeline.jobs.address import writing

_words = sa.MetaData()

LIVE_MS = 30_000  # a worker that was heard of within this time counts as one

JOBS = sa.Table(
    "sticker_job",
    _words,
    sa.Column("job_id", sa.String(80), primary_key=True),
    sa.Column("person", sa.String(80), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("spec", sa.Text, nullable=False),  # sealed: JSON of the JobSpec
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("tag", sa.Integer, nullable=False),  # its turn: the smallest first; see ``fairness``
    sa.Column("cost", sa.Integer, nullable=False),  # how far it moves its person's next turn
    sa.Column("submitted_ms", sa.BigInteger, nullable=False),  # Unix time, as all that end so
    sa.Column("started_ms", sa.BigInteger),  # when a worker first began it
    sa.Column("ended_ms", sa.BigInteger),
    sa.Column("worker", sa.String(120)),  # who has it, or had it last
    sa.Column("claim", sa.String(36)),  # whose writes count; None while nobody has it
    sa.Column("deaths", sa.Integer, nullable=False),  # workers that died under it since its last finished stage
    sa.Column("result", sa.Text),  # sealed: JSON of the last stage
    sa.Column("error_code", sa.String(40)),
    sa.Column("error", sa.Text),  # sealed: the sentence for its owner
    sa.Column("delivered_ms", sa.BigInteger),  # when its owner was told what came of it
    sa.Column("forget", sa.Boolean, nullable=False),  # to be erased once its worker has let go of it
    sa.Index("sticker_job_turn", "kind", "status", "tag"),
    sa.Index("sticker_job_person", "person", "kind", "status"),
    sa.Index("sticker_job_end", "status", "ended_ms"),
)

PROGRESS = sa.Table(
    "sticker_progress",
    _words,
    sa.Column("job_id", sa.String(80), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),  # 1, 2, … of its job; one writer at a time, so without gaps
    sa.Column("stage", sa.String(40), nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("preview", sa.Text),  # sealed
    sa.Column("told_ms", sa.BigInteger, nullable=False),
)

TURNS = sa.Table(  # how far the turns have come, by kind
    "sticker_turn",
    _words,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("tag", sa.Integer, nullable=False),
)

SEALED = sa.Table(  # a check of the key
    "sticker_sealed",
    _words,
    sa.Column("name", sa.String(16), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

WORKERS = sa.Table(
    "sticker_worker",
    _words,
    sa.Column("name", sa.String(120), primary_key=True),
    sa.Column("beat", sa.BigInteger, nullable=False),  # counts up while it lives; no clocks are compared
    sa.Column("beat_ms", sa.BigInteger, nullable=False),  # for people
)


def engine_status(engine: sa.Engine) -> sa.TableClause:
    """The engine's own table of what is to be run; read only."""
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    names = ("workflow_uuid", "status", "updated_at", "executor_id")
    return sa.table("workflow_status", *(sa.column(name) for name in names), schema=schema)


def engine_steps(engine: sa.Engine) -> sa.TableClause:
    """The engine's own table of what stages returned; only what is sealed anew is written there."""
    schema = None if engine.dialect.name == "sqlite" else "dbos"
    names = ("workflow_uuid", "function_id", "function_name", "output")
    return sa.table("operation_outputs", *(sa.column(name) for name in names), schema=schema)


def make_tables(engine: sa.Engine) -> None:
    """Make what is missing; any number of processes may do so at once."""
    with writing(engine, one_at_a_time="sticker tables") as connection:
        for table in _words.sorted_tables:
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(CreateIndex(index, if_not_exists=True))
