"""The zarr store of a dataset and its manifest."""
