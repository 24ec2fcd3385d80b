"""What a competitor may set, typed and checked."""
