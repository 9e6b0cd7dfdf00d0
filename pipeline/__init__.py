"""The words of the domain, the settings, the files, and the story of one job: from a pack and a photo to stickers."""
