"""An address as it may be shown: never a part of a password, however wrongly it was typed."""

import pytest

from pipeline.discreet import shown


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql://ann:secret@host/d", "postgresql://host/…"),
        ("postgresql://host:5432/d?password=secret", "postgresql://host/…"),
        ("postgresql://[::1]:5432/secret", "postgresql://[::1]/…"),
        ("s3://bucket/secret", "s3://bucket/…"),
        ("s3://bucket", "s3://bucket"),
        ("sftp://ann:secret@host/x", "sftp://host/…"),
        ("nope://ann:secret@host", "nope://host"),
        ("postgresql://ann:sec@ret@host/d", "postgresql://…"),
        ("postgresql://ann:sec/ret@host/d", "postgresql://…"),
        ("postgresql://host/d?password=sec@ret", "postgresql://…"),
        ("postgresql://ann:sec#ret@host", "postgresql://…"),
        ("sqlite:////tmp/secret", "sqlite://…"),
        ("sqlite://ann:secret@/tmp/x", "sqlite://…"),
        ("ann:secret@host/d", "…"),
        ("http//ann:secret@host", "…"),
        ("secret", "…"),
        ("", "…"),
    ],
)
def test_scheme_and_host_at_most_are_shown(address, expected):
    assert shown(address) == expected
