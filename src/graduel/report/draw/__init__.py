"""Figures, tables and pages: style, SVG, templates, and the formats of numbers."""
