"""Charts: from numbers to shapes that a template draws as SVG. Nothing here knows the product or Django."""
