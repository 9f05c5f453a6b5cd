"""What a backup and a restore do, whoever started them: selection, order, archive, transforms, results.

``backup`` and ``restore`` are the two directions; the modules beside them serve both. Talks to the cluster through
``kube`` and to the bucket through ``store``. Who claims a run, writes its status or reads arguments: ``runner``.
"""
