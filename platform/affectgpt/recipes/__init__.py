"""The recipes that come with the platform, one folder per job."""
