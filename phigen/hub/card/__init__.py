"""The card of a published dataset: a template, and the functions that compute its values."""
