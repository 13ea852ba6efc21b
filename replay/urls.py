from django.urls import path

from replay.views import compare

urlpatterns = [
    path("w/<slug:workspace>/compare/", compare.compare, name="compare"),
    path("w/<slug:workspace>/compare.json", compare.compare_json, name="compare_json"),
]
