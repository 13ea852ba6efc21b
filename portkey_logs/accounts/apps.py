from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "portkey_logs.accounts"
    label = "accounts"

    def ready(self) -> None:
        """Connect the receivers of sign-ins."""
        from portkey_logs.accounts import sign_ins  # noqa: F401
