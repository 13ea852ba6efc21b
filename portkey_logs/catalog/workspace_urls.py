"""Below /w/<workspace>/: configs and virtual keys."""

from django.urls import path

from portkey_logs.catalog.views import configs, virtual_keys

urlpatterns = [
    path("configs/", configs.configs, name="configs"),
    path("configs/new/", configs.new_config, name="new_config"),
    path("configs/<str:slug>/", configs.config, name="config"),
    path("configs/<str:slug>/versions/<uuid:version>/", configs.config, name="config_version"),
    path("configs/<str:slug>/edit/", configs.edit_config, name="edit_config"),
    path("configs/<str:slug>/default/", configs.set_default, name="set_default_config"),
    path("configs/<str:slug>/archive/", configs.archive_config, name="archive_config"),
    path("virtual-keys/", virtual_keys.virtual_keys, name="virtual_keys"),
    path("virtual-keys/new/", virtual_keys.new_virtual_key, name="new_virtual_key"),
    path("virtual-keys/<str:slug>/", virtual_keys.virtual_key, name="virtual_key"),
    path("virtual-keys/<str:slug>/change/", virtual_keys.change_virtual_key, name="change_virtual_key"),
    path("virtual-keys/<str:slug>/rotate/", virtual_keys.rotate_virtual_key, name="rotate_virtual_key"),
    path("virtual-keys/<str:slug>/test/", virtual_keys.test_virtual_key, name="test_virtual_key"),
    path("virtual-keys/<str:slug>/archive/", virtual_keys.archive_virtual_key, name="archive_virtual_key"),
]
