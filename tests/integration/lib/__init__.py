"""What the integration tests, and the demonstration, start and speak to. Python's standard library only."""
