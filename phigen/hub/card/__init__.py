"""The card of a published dataset."""
