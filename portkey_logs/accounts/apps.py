from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portkey_logs.accounts"
    label = "accounts"
