"""From a jobspec and values to Kubernetes objects.

Pure, and the only package that imports jinja2. Serves both halves: the plugin renders what it creates, the runner
what it launches. Which values a jobspec wants is said in its first lines; who makes them up: ``launch``.
"""
