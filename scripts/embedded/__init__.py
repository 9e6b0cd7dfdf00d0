"""The recipe of the embedded models: from published art packages to the weights in ``configs/embedded``.

One command, ``python -m scripts.embedded``; see ``__main__.py``. A build-time tool: nothing here is needed at run time.
"""
