from django.urls import include, path

from portkey_logs.api.openapi import openapi

urlpatterns = [
    path("accounts/", include("portkey_logs.accounts.urls")),
    path("w/<slug:workspace>/", include("portkey_logs.accounts.workspace_urls")),
    path("", include("portkey_logs.catalog.urls")),
    path("w/<slug:workspace>/", include("portkey_logs.catalog.workspace_urls")),
    path("v1/openapi.json", openapi, name="v1_openapi"),
    path("", include("feedback.urls")),
    path("", include("replay.urls")),
    path("", include("logs.exports.urls")),
    path("", include("logs.urls")),
]

handler404 = "portkey_logs.failures.not_found"
