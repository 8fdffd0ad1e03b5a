"""Parts of figures, tables and pages: style, SVG, templates."""
