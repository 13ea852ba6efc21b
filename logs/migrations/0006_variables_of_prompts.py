from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("logs", "0005_saved_views"),
    ]

    operations = [
        migrations.AddField(
            model_name="logbody",
            name="variables",
            field=models.BinaryField(null=True),
        ),
        # Compressed already, as the bodies are; partitions that are there already keep their way of storing it.
        migrations.RunSQL("ALTER TABLE log_body ALTER variables SET STORAGE EXTERNAL", migrations.RunSQL.noop),
    ]
