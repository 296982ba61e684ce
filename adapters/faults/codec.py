"""The codecs' one error: what a profile cannot express or read."""

from adapters.errors import AdapterError, Unsupported
from adapters.translation import Translation
from device_profiles.errors import ProfileError


class _CodecErrors(Translation):
    """Codec messages name files and paths and hold no secrets, so they are passed on."""

    def translated(self, error: BaseException, device: str) -> AdapterError:
        return Unsupported(str(error), device=device)


codec_errors = _CodecErrors(
    "codec", {ProfileError: lambda message, device: Unsupported(message, device=device)}
)
