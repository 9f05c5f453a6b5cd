"""``make demo``: lose a shop and get it back, on a cluster of its own, with the plugin as krew would install it."""
