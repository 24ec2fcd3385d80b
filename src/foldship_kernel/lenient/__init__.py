"""Reads what can be read of a competition's files where the strict reader refuses them; aboard only.

Ashore a malformed file is an error that a person mends. In the kernel nobody can: every row that can be found
is read, and what had to be mended is told, see `foldship_kernel.mended`.
"""
