"""The object store: where keys lie, how bytes get there and back.

``layout`` is pure and knows every key; ``bucket`` is the only place that imports ``minio`` and the one seam where
bytes become stored bytes (encryption will sit there). What the bytes mean belongs to ``engine``.
"""
