"""The commands, by topic. Each module has ``register(app)``, which adds its commands to the command line."""
