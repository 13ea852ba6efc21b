from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "feedback"

    def ready(self) -> None:
        from feedback.extension import FeedbackExtension
        from logs import extensions

        extensions.register(FeedbackExtension())
