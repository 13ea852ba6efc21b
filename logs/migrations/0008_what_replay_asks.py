from django.db import migrations, models

# A partition at a time, joined with the bodies of its own span: bodies themselves are not read.
_BODIES_GONE = """
DO $$
DECLARE part regclass;
BEGIN
    FOR part IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'log'::regclass LOOP
        EXECUTE format(
            'UPDATE %s l SET request_kept = false WHERE NOT EXISTS (SELECT FROM log_body b'
            ' WHERE b.workspace_id = l.workspace_id AND b.id = l.id AND b.request_body IS NOT NULL)', part);
    END LOOP;
END $$
"""


class Migration(migrations.Migration):
    dependencies = [("logs", "0007_column_widths")]

    operations = [
        migrations.AddField("log", "request_kept", models.BooleanField(default=True, db_default=True)),
        # Of logs from before, nobody looks into the headers: that they brought a credential is the careful answer.
        migrations.AddField("log", "own_credential", models.BooleanField(default=True, db_default=True)),
        migrations.RunSQL(_BODIES_GONE, migrations.RunSQL.noop),
    ]
