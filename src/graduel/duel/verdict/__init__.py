"""Decision rules, the statistical designs that feed them, and the sentences that state them."""
