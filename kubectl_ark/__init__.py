"""kubectl-ark: back up and restore Kubernetes with nothing resident.

Two halves share this package: the plugin (``cli``, ``launch``, ``render``) runs on the user's machine and talks to
Kubernetes through kubectl; the runner (``runner``, ``engine``, ``store``, ``kube``) runs in a Job's pod.
``model`` and ``errors`` serve both and do no I/O.
"""

__version__ = "0.1.0"
