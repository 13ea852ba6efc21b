from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("logs", "0006_variables_of_prompts")]

    operations = [
        migrations.AddField("listcolumns", "widths", models.JSONField(default=dict, db_default={})),
    ]
