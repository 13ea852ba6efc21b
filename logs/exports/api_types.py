"""Types of what ``/v1/logs/exports`` takes and answers, for the API's documentation."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct

from logs.exports.fields import FIELDS
from logs.exports.models import Export

type ExportField = Annotated[str, Meta(extra_json_schema={"enum": list(FIELDS)})]
type ExportStatus = Annotated[str, Meta(extra_json_schema={"enum": Export.Status.values})]

type Texts = str | list[str]
type Number = float | str


class ExportFilters(Struct, kw_only=True):
    """Which logs. Lists are arrays, or text with commas; costs are in cents."""

    time_of_generation_min: str | None = None
    time_of_generation_max: str | None = None
    total_units_min: Number | None = None
    total_units_max: Number | None = None
    cost_min: Number | None = None
    cost_max: Number | None = None
    prompt_token_min: Number | None = None
    prompt_token_max: Number | None = None
    completion_token_min: Number | None = None
    completion_token_max: Number | None = None
    weighted_feedback_min: Number | None = None
    weighted_feedback_max: Number | None = None
    ai_model: Texts | None = None
    ai_org_model: Texts | None = None
    status_code: Texts | None = None
    virtual_keys: Texts | None = None
    configs: Texts | None = None
    prompt_slug: Texts | None = None
    trace_id: Texts | None = None
    metadata: dict[str, Any] | None = None
    workspace_slug: str | None = None
    page_size: int | None = None
    current_page: int | None = None


class NewExport(Struct, kw_only=True):
    filters: ExportFilters
    requested_data: list[ExportField]
    description: str | None = None
    workspace_id: str | None = None


class ExportUpdate(Struct, kw_only=True):
    """What is left out stays."""

    filters: ExportFilters | None = None
    requested_data: list[ExportField] | None = None
    description: str | None = None
    workspace_id: str | None = None


class ExportSaved(Struct):
    """``total`` is null where counting takes too long."""

    id: str
    total: int | None
    object: str


class ExportItem(Struct):
    """``total_records`` are those written, once it has begun."""

    id: str
    organisation_id: str
    workspace_id: str
    filters: dict[str, Any]
    requested_data: list[ExportField]
    status: ExportStatus
    description: str
    created_at: str
    last_updated_at: str
    created_by: str
    total_records: int | None
    object: str


class ExportMessage(Struct):
    message: str
    object: str


class ExportDownload(Struct):
    """A link that needs no key, for an hour."""

    signed_url: str


class FieldRestrictions(Struct):
    """Always empty: every field may be exported."""

    object: str
    data: list[str]
