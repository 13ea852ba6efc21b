from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    name = "portkey_logs.runtime"
