"""End to end: the plugin from its archive, real Jobs on the node, a real bucket. Nothing is imported from the product.

``ark`` is the plugin with an Ark namespace, ``shop`` the application that is lost, ``bucket`` what is stored and
``node`` the processes of the runner's pods.
"""
