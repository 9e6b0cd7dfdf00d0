"""Serving many people: the worker, the queue's dead letters, load and plans of it."""
