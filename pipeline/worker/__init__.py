"""The worker: one process a GPU, which does the jobs of the queue. It knows no chat and has no token of one."""
