"""Windows of frames for training."""
