"""The data of volumes: restic in a Job for each volume, and the way from there to the bucket.

``restic`` is the child process, ``broker`` the endpoint that it speaks to. A Job in a stranger's namespace gets a token
for that endpoint and never the bucket's keys. ``repository`` is a namespace's repository as the run itself works on it:
``initialising``, ``locks`` and ``tidying`` do. Which volumes are saved is ``model``'s to say; when, ``backup``'s and
``restore``'s.
"""
