"""Documents that a competition names by address: fetched politely, read, and cut into passages."""
