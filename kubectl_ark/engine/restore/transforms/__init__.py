"""What is changed in an item before it is created: ``generic`` for all, one small function per kind, ``table`` of them.

Each takes an item that was decoded just now and changes it in place; none does I/O or knows of the run. The rules are
Velero's (its pkg/restore/actions); the same functions make a live object comparable with a backed-up one.
"""
