"""Encoders, heads and what carries them between stages."""
