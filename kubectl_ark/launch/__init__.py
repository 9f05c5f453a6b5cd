"""From a wish to a running Job, and from the run back to the user: create, follow, fetch, install.

Reaches Kubernetes only through ``kubectl.Kubectl``, which runs the user's own kubectl. Knows nothing of flags,
tables or terminals; those belong to ``cli``.
"""
