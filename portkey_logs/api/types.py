"""Types that several JSON APIs answer. They describe answers in openapi.json; tests hold the answers against them."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType


class ErrorDetail(Struct):
    """The error as SDKs read it."""

    message: str
    type: str
    param: None
    code: str


class ControlPlaneError(Struct):
    """The error as Portkey's control plane has it."""

    message: str
    errorCode: str


class ApiError(Struct, kw_only=True):
    """Any error. ``errors`` names single values that are wrong; ``success`` and ``data`` are of the catalog's calls."""

    status: str
    message: str
    error: ErrorDetail
    errors: list[dict[str, Any]] | dict[str, list[str]] | UnsetType = UNSET
    success: bool | UnsetType = UNSET
    data: ControlPlaneError | UnsetType = UNSET


class Finding(Struct):
    """A value that is wrong, or odd, and why."""

    path: str
    message: str


class Empty(Struct):
    """An empty object."""


def list_of(item: type[Struct], *, has_success: bool = False, **more: Any) -> Any:
    """Return the type of a list of items, with ``more`` optional fields by their types."""
    fields: list[Any] = [("object", str), ("data", list[item])]  # type: ignore[valid-type]
    fields += [("success", bool), ("total", int)] if has_success else []
    fields += [(name, kind | UnsetType, UNSET) for name, kind in more.items()]
    return msgspec.defstruct(f"{item.__name__}List", fields, kw_only=True, module=item.__module__)


def saved(item: type[Struct]) -> Any:
    """Return the type of one item of the catalog: flat, under ``data``, and with ``warnings`` where there are any."""
    return msgspec.defstruct(
        f"{item.__name__}Answer",
        [("success", bool), ("data", item), ("warnings", list[Finding] | UnsetType, UNSET)],
        bases=(item,),
        kw_only=True,
        module=item.__module__,
    )
