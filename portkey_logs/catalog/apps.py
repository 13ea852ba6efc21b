from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "portkey_logs.catalog"
    label = "catalog"
