"""Reporting: tables for the terminal and one HTML page, from the JSON files that the other stages left."""
