"""Sessions that know whose they are, in place of Django's. Those that go on are taken along."""

import django.db.models.deletion
from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.db import migrations, models
from django.utils import timezone


def take_sessions_along(apps, schema_editor):
    people = set(apps.get_model("accounts", "User").objects.values_list("pk", flat=True))
    UserSession = apps.get_model("accounts", "UserSession")
    rows = []
    for old in apps.get_model("sessions", "Session").objects.filter(expire_date__gt=timezone.now()):
        person = int(SessionStore().decode(old.session_data).get("_auth_user_id", 0))
        if person in people:
            values = {"session_key": old.session_key, "session_data": old.session_data, "expire_date": old.expire_date}
            rows.append(UserSession(user_id=person, **values))
    UserSession.objects.bulk_create(rows)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_rights_and_audit"),
        ("sessions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="UserSession",
            fields=[
                (
                    "session_key",
                    models.CharField(max_length=40, primary_key=True, serialize=False, verbose_name="session key"),
                ),
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("signed_in_at", models.DateTimeField(null=True)),
                ("address", models.CharField(blank=True, max_length=45)),
                ("browser", models.CharField(blank=True, max_length=200)),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "session", "verbose_name_plural": "sessions", "abstract": False},
        ),
        migrations.RunPython(take_sessions_along, migrations.RunPython.noop),
    ]
