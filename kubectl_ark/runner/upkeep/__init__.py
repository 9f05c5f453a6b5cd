"""One pass of everything that a resident controller would do; each topic is a module with ``attend(upkeep)``.

A topic looks at all of its objects once, does what is due and says each thing it did on the pass's page. Every topic
is idempotent and safe beside another pass. What one run does for itself (claims, heartbeats) belongs in ``runner``.
"""
