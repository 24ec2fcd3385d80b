"""`python -m foldship` is `foldship`."""

from foldship.cli.main import main

main()
