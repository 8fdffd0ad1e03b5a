"""Reading of delimited text: encoding, dialect, records, and parsing of cells."""
