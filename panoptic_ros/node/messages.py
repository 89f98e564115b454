"""Messages for DDS."""

from __future__ import annotations

from array import array
from copy import copy
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np


def new(message_type: str, /, **values: Any) -> Any:
    """Return a message of the ROS that is installed; every field has to be given."""
    data = values.get('data')
    if isinstance(data, np.ndarray):        # rosidl checks any other type element by element
        values['data'] = array('B', data.tobytes())
    message = copy(_prototype(message_type))        # a constructor would make every default first
    for name, value in values.items():
        setattr(message, name, value)
    return message


@cache
def _prototype(message_type: str) -> Any:
    package, _, name = message_type.split('/')
    return getattr(import_module(f'{package}.msg'), name)()
