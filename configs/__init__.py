"""Profiles: which models, which sizes, which defaults. Every key is explained in ``embedded.toml``."""
