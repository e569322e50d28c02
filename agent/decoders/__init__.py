"""Decoding: bytes of any accepted format to columns, and named reasons for the rest."""

from agent.decoders.decoder import RecordDecoder
from agent.decoders.record import Decoded, Reject
from config.settings import Settings

__all__ = ["Decoded", "RecordDecoder", "Reject", "build_decoder"]


def build_decoder(settings: Settings) -> RecordDecoder:
    """The decoder for the models and mappings of the settings.

    Raises:
        SettingsError: two paths of a mapping cannot both be read.
    """
    return RecordDecoder(settings)
