"""Reference implementations that share no code with fena_sim."""
