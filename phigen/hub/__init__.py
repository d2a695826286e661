"""Datasets on the Hugging Face Hub: publishing them, and bringing them here."""
