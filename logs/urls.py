from django.urls import path, register_converter

from logs.views import (
    analytics,
    analytics_api,
    api,
    detail,
    glance,
    health,
    home,
    listing,
    live,
    media,
    metadata_keys,
    metrics,
    related,
    saved,
)


class SideConverter:
    regex = "request|response"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(SideConverter, "side")

urlpatterns = [
    path("", home.home, name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("w/<slug:workspace>/logs/", listing.log_list, name="log_list"),
    path("w/<slug:workspace>/logs/count/", listing.log_count, name="log_count"),
    path("w/<slug:workspace>/logs/glance/<slug:part>/", glance.log_glance, name="log_glance"),
    path("w/<slug:workspace>/logs/complete/", listing.log_complete, name="log_complete"),
    path("w/<slug:workspace>/logs/live/", live.log_live, name="log_live"),
    path("w/<slug:workspace>/logs/columns/", saved.choose_columns, name="list_columns"),
    path("w/<slug:workspace>/logs/views/", saved.views, name="saved_views"),
    path("w/<slug:workspace>/logs/views/<int:id>/", saved.view, name="saved_view"),
    path("w/<slug:workspace>/logs/views/<int:id>/overwrite/", saved.overwrite, name="overwrite_saved_view"),
    path("w/<slug:workspace>/logs/views/<int:id>/delete/", saved.delete, name="delete_saved_view"),
    path("w/<slug:workspace>/logs.json", listing.log_list_json, name="log_list_json"),
    path("w/<slug:workspace>/logs/<uuid:id>/", listing.log_detail, name="log_detail"),
    path("w/<slug:workspace>/logs/<uuid:id>.json", detail.log_json, name="log_json"),
    path("w/<slug:workspace>/logs/<uuid:id>/related/", related.log_related, name="log_related"),
    path("w/<slug:workspace>/logs/<uuid:id>/body/<side:side>/", detail.log_body, name="log_body"),
    path("w/<slug:workspace>/logs/<uuid:id>/body/<side:side>/node/", detail.log_node, name="log_node"),
    path("w/<slug:workspace>/logs/<uuid:id>/raw/<side:side>", detail.log_raw, name="log_raw"),
    path("w/<slug:workspace>/logs/<uuid:id>/media/<side:side>/", media.log_media, name="log_media"),
    path("w/<slug:workspace>/analytics/", analytics.page, name="analytics"),
    path("w/<slug:workspace>/analytics/summary.csv", analytics.summary_csv, name="summary_csv"),
    path("w/<slug:workspace>/analytics/metadata-keys/", metadata_keys.metadata_keys, name="metadata_keys"),
    path(
        "w/<slug:workspace>/analytics/metadata-keys/<int:id>/remove/", metadata_keys.remove, name="remove_metadata_key"
    ),
    path("w/<slug:workspace>/analytics/<slug:tab>/", analytics.page, name="analytics_tab"),
    path("w/<slug:workspace>/analytics/<slug:tab>/<slug:part>/", analytics.fragment, name="analytics_part"),
    *(path(f"v1/analytics/graphs/{name}", view) for name, view in analytics_api.graphs.items()),
    path("v1/analytics/groups/users", analytics_api.users),
    path("v1/analytics/groups/ai-models", analytics_api.ai_models),
    path("v1/analytics/groups/workspaces", analytics_api.workspaces),
    path("v1/analytics/groups/workspace", analytics_api.workspaces),
    path("v1/analytics/groups/metadata/<path:key>", analytics_api.metadata_group, name="v1_analytics_metadata"),
    path("v1/analytics/groups/<slug:name>", analytics_api.group, name="v1_analytics_group"),
    path("v1/analytics/summary/cache", analytics_api.cache_summary, name="v1_analytics_cache"),
    path("v1/logs", api.logs, name="v1_logs"),
    path("v1/logs/<uuid:id>", api.log, name="v1_log"),
]
