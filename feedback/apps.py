from django.apps import AppConfig


class FeedbackConfig(AppConfig):
    name = "feedback"

    def ready(self) -> None:
        from feedback.extension import FeedbackExtension
        from feedback.filters import FILTERS
        from logs import extensions
        from logs.explorer.filters import LogFilterSet

        extensions.register(FeedbackExtension())
        LogFilterSet.base_filters.update(FILTERS)
