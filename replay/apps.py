from django.apps import AppConfig


class ReplayConfig(AppConfig):
    name = "replay"

    def ready(self) -> None:
        from logs import extensions
        from replay.extension import ReplayExtension

        extensions.register(ReplayExtension())
