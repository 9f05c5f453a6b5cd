"""What runs in a Job's pod: claims a CR, lets the engine work, writes the status back, exits with a meaning.

``main`` is the entry point and the only error boundary, ``commands`` the table of what it can be told to do. ``run``
holds the claim and the status of one CR. One module per kind of work: ``backup``, ``restore``, ``validate``,
``fetch``; what a pass over everything does is in ``upkeep``. What a backup or restore does belongs to ``engine``.
"""
