from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "logs.exports"
    label = "exports"  # tables and migrations have this name

    def ready(self) -> None:
        from logs import extensions
        from logs.exports.extension import ExportsExtension

        extensions.register(ExportsExtension())
