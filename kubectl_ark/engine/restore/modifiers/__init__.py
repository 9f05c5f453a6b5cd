"""Changes that a user's ConfigMap makes to objects: Velero's resource modifiers (ark-format.md §10.3).

``document`` reads the ConfigMap and lists its mistakes, ``conditions`` tells which objects a rule is for, ``rules``
applies them; ``jsonpatch`` and ``strategic`` are two of the three languages a rule can be written in, merge patches
are ``engine.restore.mergepatch``. All pure but ``schemas``, which asks the API server how strategic patches merge.
"""
