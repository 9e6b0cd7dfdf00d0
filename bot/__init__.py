"""The chat: doors in, doors out, and every sentence a person reads there. Knows the job queue, never a model.

Nothing answers on Telegram yet: this room is furnished together with the queue. Until then a person
reaches the pipeline through the ``stickers`` command (``scripts/cli.py``).
"""
