from django.urls import path

from logs.exports.views import api, pages

urlpatterns = [
    path("w/<slug:workspace>/exports/", pages.exports, name="exports"),
    path("w/<slug:workspace>/exports/new/", pages.new_export, name="new_export"),
    path("w/<slug:workspace>/exports/<uuid:id>/download", pages.download, name="export_download"),
    path("w/<slug:workspace>/exports/<uuid:id>/start/", pages.start, name="export_start"),
    path("w/<slug:workspace>/exports/<uuid:id>/stop/", pages.stop, name="export_stop"),
    path("w/<slug:workspace>/exports/<uuid:id>/delete/", pages.delete, name="export_delete"),
    path("exports/<str:token>/<str:name>", pages.signed_download, name="export_signed_download"),
    path("v1/logs/exports", api.exports, name="v1_exports"),
    path("v1/logs/exports/field-restrictions", api.field_restrictions, name="v1_export_fields"),
    path("v1/logs/exports/<uuid:id>", api.export, name="v1_export"),
    path("v1/logs/exports/<uuid:id>/start", api.start, name="v1_export_start"),
    path("v1/logs/exports/<uuid:id>/cancel", api.cancel, name="v1_export_cancel"),
    path("v1/logs/exports/<uuid:id>/download", api.download, name="v1_export_download"),
]
