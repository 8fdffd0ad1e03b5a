"""The cells of a planned run, in one numbering, and processes that share them."""
