"""What things are called and what the rules are: names, labels, phases, kinds, selectors, validation.

Pure values in, values out. No I/O, no clock but the one in ``times``, no third-party import. Every layer may import
this package; it imports nothing of kubectl_ark but ``errors``.
"""
