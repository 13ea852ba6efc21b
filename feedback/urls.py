from django.urls import path

from feedback.views import api, graphs, rating

urlpatterns = [
    path("w/<slug:workspace>/logs/<uuid:id>/feedback/", rating.log_feedback, name="log_feedback"),
    path("w/<slug:workspace>/logs/feedback/", rating.rate_ticked, name="rate_ticked"),
    path("w/<slug:workspace>/feedback/<uuid:id>/withdraw/", rating.withdraw, name="withdraw_feedback"),
    path("w/<slug:workspace>/feedback/<uuid:id>/resolve/", rating.resolve, name="resolve_feedback"),
    path("w/<slug:workspace>/feedback/<uuid:id>/reopen/", rating.reopen, name="reopen_feedback"),
    path("v1/analytics/graphs/feedbacks", graphs.feedbacks, name="v1_feedbacks"),
    path("v1/analytics/graphs/feedbacks/scores", graphs.scores, name="v1_feedbacks_scores"),
    path("v1/analytics/graphs/feedbacks/weighted", graphs.weighted, name="v1_feedbacks_weighted"),
    path("v1/analytics/graphs/feedbacks/ai-models", graphs.ai_models, name="v1_feedbacks_ai_models"),
    path("v1/feedback", api.create, name="v1_feedback"),
    path("v1/feedback/<str:id>", api.update, name="v1_feedback_item"),
]
