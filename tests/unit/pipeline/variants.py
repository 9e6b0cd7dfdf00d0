"""The tiny models under a profile with other settings: nothing is loaded twice."""

from pipeline.models import Models


def with_section(tiny, section, **changes):
    """The tiny models under a profile with other settings."""
    part = getattr(tiny.profile, section).model_copy(update=changes)
    models = Models(tiny.profile.model_copy(update={section: part}), tiny.models.device)
    models.__dict__ |= {name: getattr(tiny.models, name) for name in ("base", "controlnet", "caption")}
    return models
