"""The right to change what production calls; whose key an API key is; audit events outside workspaces.

Keys of people who are no members any more become the workspace's own: they went on before, and calls rest on them.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_scope_of_exports"),
    ]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="owner",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="auditevent",
            name="organisation",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.organisation",
            ),
        ),
        migrations.AddField(
            model_name="invitation",
            name="may_manage_catalog",
            field=models.BooleanField(
                default=False,
                help_text="Save, publish and archive configs, prompts and virtual keys. They decide where calls and their contents go. Owners and admins may always.",
                verbose_name="May change what production calls",
            ),
        ),
        migrations.AddField(
            model_name="membership",
            name="may_manage_catalog",
            field=models.BooleanField(
                default=False,
                help_text="Save, publish and archive configs, prompts and virtual keys. They decide where calls and their contents go. Owners and admins may always.",
                verbose_name="May change what production calls",
            ),
        ),
        migrations.AlterField(
            model_name="auditevent",
            name="workspace",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.workspace",
            ),
        ),
        migrations.AddIndex(
            model_name="auditevent",
            index=models.Index(fields=["created_at"], name="audit_created"),
        ),
        migrations.RunSQL(
            """UPDATE accounts_apikey key SET owner_id = created_by_id FROM accounts_workspace workspace
               WHERE workspace.id = key.workspace_id AND EXISTS (
                   SELECT FROM accounts_membership membership
                   WHERE membership.user_id = key.created_by_id
                     AND membership.organisation_id = workspace.organisation_id)""",
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(
            """UPDATE accounts_auditevent event SET organisation_id = workspace.organisation_id
               FROM accounts_workspace workspace WHERE workspace.id = event.workspace_id""",
            migrations.RunSQL.noop,
        ),
    ]
