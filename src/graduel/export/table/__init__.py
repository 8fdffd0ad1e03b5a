"""The preparation of a table in exported files, from raw rows to the inputs of the network."""
