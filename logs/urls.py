from django.urls import path, register_converter

from logs.views import api, detail, health, home, listing, live, media


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
    path("w/<slug:workspace>/logs/", listing.log_list, name="log_list"),
    path("w/<slug:workspace>/logs/count/", listing.log_count, name="log_count"),
    path("w/<slug:workspace>/logs/complete/", listing.log_complete, name="log_complete"),
    path("w/<slug:workspace>/logs/live/", live.log_live, name="log_live"),
    path("w/<slug:workspace>/logs.json", listing.log_list_json, name="log_list_json"),
    path("w/<slug:workspace>/logs/<uuid:id>/", listing.log_detail, name="log_detail"),
    path("w/<slug:workspace>/logs/<uuid:id>.json", detail.log_json, name="log_json"),
    path("w/<slug:workspace>/logs/<uuid:id>/body/<side:side>/", detail.log_body, name="log_body"),
    path("w/<slug:workspace>/logs/<uuid:id>/body/<side:side>/node/", detail.log_node, name="log_node"),
    path("w/<slug:workspace>/logs/<uuid:id>/raw/<side:side>", detail.log_raw, name="log_raw"),
    path("w/<slug:workspace>/logs/<uuid:id>/media/<side:side>/", media.log_media, name="log_media"),
    path("v1/logs", api.logs, name="v1_logs"),
    path("v1/logs/<uuid:id>", api.log, name="v1_log"),
]
