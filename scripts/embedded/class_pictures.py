"""The embedded profile's class pictures, drawn when its models are trained, so that nobody has to wait for them.

``python -m scripts.embedded.class_pictures`` draws them anew where the models have changed. Owns where they lie. Loads
torch through the pipeline.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from pipeline.class_pictures import KEPT, class_folder, class_pictures
from pipeline.gpu import choose_device
from pipeline.models import Models
from pipeline.settings import CONFIGS, DEFAULT_PROFILE, load_profile


def ship(profile: str = DEFAULT_PROFILE, folder: Path = CONFIGS) -> Path:
    """Draw them on the processor, which everybody has, and put them beside the models; older ones go.

    Returns the folder that they are in.
    """
    models = Models(load_profile(profile, folder), choose_device("cpu"))
    kept = folder / profile / KEPT
    with TemporaryDirectory() as cache:
        class_pictures(models, Path(cache), should_stop=lambda: False)
        drawn, _ = class_folder(models, Path(cache))
        if drawn.parent != kept:
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(drawn, kept / drawn.name, ignore=shutil.ignore_patterns(".lock"))
    return kept / drawn.name


if __name__ == "__main__":
    ship()
