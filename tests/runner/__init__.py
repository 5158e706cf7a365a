"""What ./tests/run is made of beside its sections. Standard library only: usable before the environment exists."""
