"""Actions that explain graduel itself: names, versions and help."""
