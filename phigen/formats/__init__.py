"""Export to the formats of other tools, one module per format, and import from them."""
