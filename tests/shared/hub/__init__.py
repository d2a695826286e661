"""A Hugging Face Hub on 127.0.0.1 that the unmodified client speaks to."""
