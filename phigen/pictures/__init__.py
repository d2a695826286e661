"""Pictures and charts of datasets."""
