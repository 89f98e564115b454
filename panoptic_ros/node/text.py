"""Text from outside, made fit for the log and for messages."""

from __future__ import annotations

LONGEST = 2000
"""Characters of a text that is published; nobody reads more of it in a log or a dashboard."""


def publishable(text: object, longest: int = LONGEST) -> str:
    """
    Return a text that UTF-8 can hold, that does not end early, and that is not too long.

    ROS refuses a lone surrogate, which a model file, a file name or an error may contain, and ends
    a text at its first NUL; both are written as Python escapes them.
    """
    whole = str(text)
    safe = whole[:longest].replace('\0', '\\x00').encode(errors='backslashreplace').decode()
    return safe if len(whole) <= longest else f'{safe}... ({len(whole)} characters)'
