"""``stickers evaluate``: how good the models of a profile are, measured on art that they were never taught."""
