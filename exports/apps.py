from django.apps import AppConfig


class ExportsConfig(AppConfig):
    name = "exports"

    def ready(self) -> None:
        from exports.extension import ExportsExtension
        from logs import extensions

        extensions.register(ExportsExtension())
