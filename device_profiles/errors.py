"""The one error of this room."""


class ProfileError(Exception):
    """A profile, a template or a value does not fit the platform it is for.

    The message names the file and field, or the path, that is wrong; it never holds a secret.
    """
