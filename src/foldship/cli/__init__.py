"""The `foldship` program: one subcommand a stage, the same verbs as the Make targets."""
