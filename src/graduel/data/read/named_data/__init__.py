"""Data given by a name or a URL: OpenML, scikit-learn and PostgreSQL."""
