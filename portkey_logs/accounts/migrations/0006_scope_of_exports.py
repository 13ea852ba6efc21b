"""Exports have a scope of their own: keys that could make them by ``logs.view`` still can."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_default_config"),
    ]

    operations = [
        migrations.RunSQL(
            "UPDATE accounts_apikey SET scopes = array_append(scopes, 'logs.export')"
            " WHERE 'logs.view' = ANY(scopes) AND NOT 'logs.export' = ANY(scopes)",
            "UPDATE accounts_apikey SET scopes = array_remove(scopes, 'logs.export')",
        ),
    ]
