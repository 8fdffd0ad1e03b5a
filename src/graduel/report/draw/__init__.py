"""How figures and pages look: colours, marks, SVG, templates, numbers as people read them."""
