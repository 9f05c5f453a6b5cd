"""A restore: verify and spool the backup's items once, then create them in waves of one kind.

``run`` is the whole of it; the other modules hold one idea each. What makes objects fit for another life is in
``transforms``. Reads the bucket through ``store`` and writes the cluster through ``kube``; never deletes anything.
Who claims the run, writes its status and uploads log and results: ``runner``.
"""
