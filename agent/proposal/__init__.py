"""Proposing a first settings file from a sample of events; guesses are made here and never at run time."""
