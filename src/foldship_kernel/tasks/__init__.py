"""What differs between competitions aboard: one module each, found by name."""
