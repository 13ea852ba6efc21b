from django.urls import path

from portkey_logs.catalog.api import configs, prompts, virtual_keys

urlpatterns = [
    path("v1/configs", configs.configs, name="v1_configs"),
    path("v1/configs/<str:slug>", configs.config, name="v1_config"),
    path("v1/configs/<str:slug>/versions", configs.versions, name="v1_config_versions"),
    path("v1/prompts", prompts.prompts, name="v1_prompts"),
    path("v1/prompts/<str:slug>", prompts.prompt, name="v1_prompt"),
    path("v1/prompts/<str:slug>/versions", prompts.versions, name="v1_prompt_versions"),
    path("v1/prompts/<str:slug>/versions/<str:version>", prompts.version, name="v1_prompt_version"),
    path("v1/prompts/<str:slug>/makeDefault", prompts.publish, name="v1_publish_prompt"),
    path("v1/prompts/<str:slug>/render", prompts.render, name="v1_render_prompt"),
    path("v1/virtual-keys", virtual_keys.virtual_keys, name="v1_virtual_keys"),
    path("v1/virtual-keys/<str:slug>", virtual_keys.virtual_key, name="v1_virtual_key"),
    path("v1/providers", virtual_keys.virtual_keys, name="v1_providers"),
    path("v1/providers/<str:slug>", virtual_keys.virtual_key, name="v1_provider"),
]
