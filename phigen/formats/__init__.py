"""Datasets in the formats that other tools read, one module a format, and what is imported from them."""
