"""What a person runs: the ``stickers`` command, the recipe of the embedded models, the demo inputs."""
