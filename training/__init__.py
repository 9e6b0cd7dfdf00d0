"""Learning a style from a pack: DreamBooth (full and LoRA), its data and its losses. Imports nothing of ours."""
