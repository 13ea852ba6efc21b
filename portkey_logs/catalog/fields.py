"""How JSON is kept where its order matters to the people who wrote it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField


class OrderedJSONField(_TextField):
    """Any JSON value, as text: jsonb would sort the keys and refuse NUL characters. None is NULL."""

    _pyi_private_set_type: Any
    _pyi_private_get_type: Any

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        """See Django's ``Field``."""
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        """See Django's ``Field``: values are Python objects already."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """See Django's ``Field``. Escapes what is not ASCII, so that NUL and lone surrogates can be stored."""
        return None if value is None else json.dumps(value)
