"""Tables as matrices: encoders for networks and for trees, fitted on training rows."""
