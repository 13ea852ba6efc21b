from django.urls import path

from portkey_logs.catalog.views import prompts
from replay.views import batch, compare, playground, run

urlpatterns = [
    path("w/<slug:workspace>/prompts/", prompts.prompts, name="prompts"),
    path("w/<slug:workspace>/prompts/save/", prompts.save, name="prompt_save"),
    path("w/<slug:workspace>/prompts/<str:slug>/", prompts.prompt, name="prompt"),
    path("w/<slug:workspace>/prompts/<str:slug>/recent/", prompts.recent, name="prompt_recent"),
    path("w/<slug:workspace>/prompts/<str:slug>/archive/", prompts.archive, name="prompt_archive"),
    path("w/<slug:workspace>/prompts/<str:slug>/versions/<uuid:version>/", prompts.prompt, name="prompt_version"),
    path("w/<slug:workspace>/prompts/<str:slug>/versions/<uuid:version>/run/", prompts.run_version, name="prompt_run"),
    path(
        "w/<slug:workspace>/prompts/<str:slug>/versions/<uuid:version>/publish/", prompts.publish, name="prompt_publish"
    ),
    path("w/<slug:workspace>/compare/", compare.compare, name="compare"),
    path("w/<slug:workspace>/compare.json", compare.compare_json, name="compare_json"),
    path("w/<slug:workspace>/playground/", playground.playground, name="playground"),
    path("w/<slug:workspace>/playground/attempts/", playground.attempts, name="playground_attempts"),
    path("w/<slug:workspace>/playground/estimate.json", playground.estimate, name="playground_estimate"),
    path("w/<slug:workspace>/playground/run/", run.run, name="replay_run"),
    path("w/<slug:workspace>/playground/runs/<uuid:id>/stop/", run.stop, name="replay_stop"),
    path("w/<slug:workspace>/playground/runs/<uuid:id>.json", run.run_json, name="replay_run_json"),
    path("w/<slug:workspace>/replays/", batch.batch_list, name="replay_batches"),
    path("w/<slug:workspace>/replays/new/", batch.new_batch, name="replay_batch_new"),
    path("w/<slug:workspace>/replays/<uuid:id>/", batch.batch, name="replay_batch"),
    path("w/<slug:workspace>/replays/<uuid:id>.json", batch.batch_json, name="replay_batch_json"),
    path("w/<slug:workspace>/replays/<uuid:id>/cancel/", batch.cancel_batch, name="replay_batch_cancel"),
]
