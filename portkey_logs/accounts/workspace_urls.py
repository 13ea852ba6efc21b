"""Below /w/<workspace>/: the settings of a workspace and its organisation."""

from django.urls import path

from portkey_logs.accounts.views import keys, members, removal, settings

urlpatterns = [
    path("keys/", keys.api_keys, name="api_keys"),
    path("keys/<int:id>/revoke/", keys.revoke_api_key, name="revoke_api_key"),
    path("members/", members.members, name="members"),
    path("members/<int:id>/", members.member, name="member"),
    path("members/<int:id>/role/", members.change_role, name="change_role"),
    path("members/<int:id>/remove/", removal.remove_member, name="remove_member"),
    path("invitations/<int:id>/revoke/", members.revoke_invitation, name="revoke_invitation"),
    path("settings/", settings.workspace_settings, name="workspace_settings"),
    path("settings/logging/", settings.change_logging, name="change_logging"),
    path("settings/hosts/", settings.change_outside_hosts, name="change_outside_hosts"),
    path("settings/workspaces/", settings.create_workspace, name="create_workspace"),
]
