from django.urls import path

from replay.views import compare, playground, run

urlpatterns = [
    path("w/<slug:workspace>/compare/", compare.compare, name="compare"),
    path("w/<slug:workspace>/compare.json", compare.compare_json, name="compare_json"),
    path("w/<slug:workspace>/playground/", playground.playground, name="playground"),
    path("w/<slug:workspace>/playground/attempts/", playground.attempts, name="playground_attempts"),
    path("w/<slug:workspace>/playground/estimate.json", playground.estimate, name="playground_estimate"),
    path("w/<slug:workspace>/playground/run/", run.run, name="replay_run"),
    path("w/<slug:workspace>/playground/runs/<uuid:id>/stop/", run.stop, name="replay_stop"),
    path("w/<slug:workspace>/playground/runs/<uuid:id>.json", run.run_json, name="replay_run_json"),
]
