"""The command ``kubectl ark``: flags, help, output, exit codes.

One module per command, flags next to their effect. The only package that imports click and tabulate, that prints
and that exits; all work is done by ``launch``. Modules of commands are imported only when their command runs.
"""
