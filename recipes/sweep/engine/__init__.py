"""What chooses the next trial: keras-tuner's oracles, and two of ours in its terms."""
