"""What another producer has published since, merged into an episode's folder."""
