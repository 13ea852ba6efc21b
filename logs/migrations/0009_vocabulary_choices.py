from django.db import migrations, models

import logs.llm.vocabulary


class Migration(migrations.Migration):
    dependencies = [
        ("logs", "0008_what_replay_asks"),
    ]

    operations = [
        migrations.AlterField(
            model_name="log",
            name="cache_status",
            field=models.CharField(choices=logs.llm.vocabulary.CacheStatus.choices, max_length=14),
        ),
        migrations.AlterField(
            model_name="log",
            name="completeness",
            field=models.CharField(choices=logs.llm.vocabulary.Completeness.choices, max_length=12),
        ),
        migrations.AlterField(
            model_name="log",
            name="fallback_status",
            field=models.CharField(choices=logs.llm.vocabulary.FallbackStatus.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="log",
            name="loadbalance_status",
            field=models.CharField(choices=logs.llm.vocabulary.LoadbalanceStatus.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="log",
            name="request_type",
            field=models.CharField(choices=logs.llm.vocabulary.RequestType.choices, max_length=24),
        ),
        migrations.AlterField(
            model_name="log",
            name="retry_status",
            field=models.CharField(choices=logs.llm.vocabulary.RetryStatus.choices, max_length=14),
        ),
        migrations.AlterField(
            model_name="log",
            name="source",
            field=models.CharField(choices=logs.llm.vocabulary.Source.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="log",
            name="tokens_origin",
            field=models.CharField(choices=logs.llm.vocabulary.TokensOrigin.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="rollupcore",
            name="cache_status",
            field=models.CharField(choices=logs.llm.vocabulary.CacheStatus.choices, max_length=14),
        ),
        migrations.AlterField(
            model_name="rollupcore",
            name="fallback_status",
            field=models.CharField(choices=logs.llm.vocabulary.FallbackStatus.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="rollupcore",
            name="loadbalance_status",
            field=models.CharField(choices=logs.llm.vocabulary.LoadbalanceStatus.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="rollupcore",
            name="request_type",
            field=models.CharField(choices=logs.llm.vocabulary.RequestType.choices, max_length=24),
        ),
        migrations.AlterField(
            model_name="rollupcore",
            name="retry_status",
            field=models.CharField(choices=logs.llm.vocabulary.RetryStatus.choices, max_length=14),
        ),
        migrations.AlterField(
            model_name="rollupcoreday",
            name="cache_status",
            field=models.CharField(choices=logs.llm.vocabulary.CacheStatus.choices, max_length=14),
        ),
        migrations.AlterField(
            model_name="rollupcoreday",
            name="fallback_status",
            field=models.CharField(choices=logs.llm.vocabulary.FallbackStatus.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="rollupcoreday",
            name="loadbalance_status",
            field=models.CharField(choices=logs.llm.vocabulary.LoadbalanceStatus.choices, max_length=10),
        ),
        migrations.AlterField(
            model_name="rollupcoreday",
            name="request_type",
            field=models.CharField(choices=logs.llm.vocabulary.RequestType.choices, max_length=24),
        ),
        migrations.AlterField(
            model_name="rollupcoreday",
            name="retry_status",
            field=models.CharField(choices=logs.llm.vocabulary.RetryStatus.choices, max_length=14),
        ),
    ]
