"""Sessions in the database that know whose they are. ``SESSION_ENGINE``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils import timezone
from django.utils.crypto import salted_hmac

from portkey_logs.accounts.links import SignInLink

MAX_PURGED = 10_000  # rows of one round of the worker, some tens of ms
MAX_BROWSER = 200  # characters of the header User-Agent: those of browsers have some 120
LINK_IS_GONE = timedelta(days=1)  # after its end; until then its page says what became of it
SIGNED_IN = "signed_in"  # in a session: since when, from which address, in which browser


class UserSession(AbstractBaseSession):
    """A session. Without a person: of a browser that signed out, or never signed in."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="sessions")
    signed_in_at = models.DateTimeField(null=True)
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=MAX_BROWSER, blank=True)

    objects: ClassVar[BaseSessionManager] = BaseSessionManager()  # type: ignore[type-arg]

    @classmethod
    def get_session_store_class(cls) -> type[SessionStore]:
        """See Django."""
        return SessionStore

    @property
    def handle(self) -> str:
        """Its name on pages, which must not hold its key: with that one is signed in."""
        return salted_hmac("portkey_logs.accounts.sessions", self.session_key, algorithm="sha256").hexdigest()


class SessionStore(DatabaseSessionStore):
    """Session store that writes the person, the browser and the address of a session into its row.

    Its name is part of the signature of what is stored: that of Django's store.
    """

    @classmethod
    def get_model_class(cls) -> type[UserSession]:
        """See Django."""
        return UserSession

    def create_model_instance(self, data: dict[str, Any]) -> UserSession:
        """See Django."""
        row: UserSession = super().create_model_instance(data)  # type: ignore[assignment]
        row.user_id = int(data["_auth_user_id"]) if "_auth_user_id" in data else None
        for name, value in data.get(SIGNED_IN, {}).items():
            setattr(row, name, value)
        return row


def purge() -> bool:
    """Delete what nobody can use any more, MAX_PURGED at a time; whether there may be more.

    Links stay a day longer than they work, for their page to say what became of them.
    """
    now = timezone.now()
    expired = UserSession.objects.filter(expire_date__lt=now).values("pk")[:MAX_PURGED]
    sessions, _ = UserSession.objects.filter(pk__in=list(expired.values_list("pk", flat=True))).delete()
    old = SignInLink.objects.filter(expires_at__lt=now - LINK_IS_GONE).values_list("pk", flat=True)
    links, _ = SignInLink.objects.filter(pk__in=list(old[:MAX_PURGED])).delete()
    return MAX_PURGED in (sessions, links)
