"""From a picture to a cut-out sticker file: SegFormer, mask, spill, outline, encoding. Imports nothing of ours."""
