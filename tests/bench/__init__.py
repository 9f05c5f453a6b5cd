"""``make bench``: speed and memory against bare programs, as ratios measured side by side in one run.

The bare programs (``bare_list``, ``bare_create``) are the floor: what the same requests cost without a backup tool.
"""
