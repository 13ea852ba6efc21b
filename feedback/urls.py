from django.urls import path

from feedback.views import api, dashboard, rating

urlpatterns = [
    path("w/<slug:workspace>/logs/<uuid:id>/feedback/", rating.log_feedback, name="log_feedback"),
    path("w/<slug:workspace>/logs/feedback/", rating.rate_ticked, name="rate_ticked"),
    path("w/<slug:workspace>/feedback/<uuid:id>/withdraw/", rating.withdraw, name="withdraw_feedback"),
    path("w/<slug:workspace>/feedback/<uuid:id>/resolve/", rating.resolve, name="resolve_feedback"),
    path("w/<slug:workspace>/feedback/<uuid:id>/reopen/", rating.reopen, name="reopen_feedback"),
    path("w/<slug:workspace>/feedback/", dashboard.dashboard, name="feedback"),
    path("w/<slug:workspace>/feedback/<slug:part>/", dashboard.fragment, name="feedback_part"),
    path("v1/feedback", api.create, name="v1_feedback"),
    path("v1/feedback/<str:id>", api.update, name="v1_feedback_item"),
]
