"""Django settings. Everything a deployment may change is read from the environment, once, here.

Each variable ``NAME`` may also be given as ``NAME_FILE``, a file that holds the value. Unset works
for local use; a bad value stops the start with one clear line. docs/configuration.md lists them all.
"""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.utils.csp import CSP
from environs import FileAwareEnv, validate

from portkey_logs.catalog.secrets import check_key, derived_key
from portkey_logs.lib.shares import ShareLimits

env = FileAwareEnv()
BASE_DIR = Path(__file__).resolve().parent.parent

DATA_DIR = Path(env.str("PORTKEY_LOGS_DATA_DIR", "var")).resolve()


MIN_SECRET_KEY = 32  # characters; sessions and stored secrets are as safe as the key is hard to guess


def _secret_key() -> str:
    """The configured key, else one made at the first start and kept in the data directory (0600)."""
    configured = env.str("PORTKEY_LOGS_SECRET_KEY", "")
    if configured:
        if len(configured) < MIN_SECRET_KEY:
            raise ImproperlyConfigured(f"PORTKEY_LOGS_SECRET_KEY must have at least {MIN_SECRET_KEY} characters")
        return configured
    path = DATA_DIR / "secret_key"
    if not path.exists():
        DATA_DIR.mkdir(parents=True, exist_ok=True)
        # Several processes may start at once: one of them names its key, whole, and all read that one.
        descriptor, own = tempfile.mkstemp(dir=DATA_DIR, prefix=".secret_key-")  # mkstemp makes it 0600
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(50))
            with suppress(FileExistsError):
                os.link(own, path)
        finally:
            os.unlink(own)
    return path.read_text().strip()


SECRET_KEY = _secret_key()

# Under which the secrets of virtual keys and configs are encrypted, newest first. The one that comes of the secret
# key needs no setting; it stays readable, so that the step to keys of their own is a rotation like any other.
_keys: list[str] = env.list("PORTKEY_LOGS_ENCRYPTION_KEYS", [])
if not all(map(check_key, _keys)):
    raise ImproperlyConfigured("PORTKEY_LOGS_ENCRYPTION_KEYS must hold keys of 32 bytes in url-safe base64")
ENCRYPTION_KEYS = [*_keys, derived_key(SECRET_KEY)]

DEBUG = env.bool("PORTKEY_LOGS_DEBUG", False)
_LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]  # always: the health check of `up` calls from here
ALLOWED_HOSTS = [*_LOOPBACK, *env.list("PORTKEY_LOGS_ALLOWED_HOSTS", [])]
# The address people use, for links in answers and e-mails; unset: the address of the request.
PUBLIC_URL = env.str("PORTKEY_LOGS_PUBLIC_URL", "").rstrip("/")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL] if PUBLIC_URL else []

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "django_filters",
    "lucide",
    "allauth",
    "allauth.account",
    "portkey_logs.accounts",
    "portkey_logs.catalog",
    "logs",
    "feedback",
    "replay",
    "logs.exports",
    "portkey_logs.runtime",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portkey_logs.failures.DatabaseMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portkey_logs.middleware.PrivateByDefaultMiddleware",
    "portkey_logs.compression.PageCompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]

ROOT_URLCONF = "portkey_logs.urls"
WSGI_APPLICATION = "portkey_logs.wsgi.application"

# Django has its widgets for Jinja too, which draws the hundred parts of the filters in a fifth of the time.
FORM_RENDERER = "django.forms.renderers.Jinja2"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portkey_logs.accounts.context.frame",
            ],
        },
    },
]

# manage.py sets DATABASE_URL to the private server where it is unset; the default only lets
# commands that need no database load the settings.
DATABASES = {"default": env.dj_db_url("DATABASE_URL", "postgresql:///portkey_logs")}
DATABASES["default"].setdefault("OPTIONS", {})
# Values of very different frequency share one statement: a generic plan is 1000x slower for rare ones.
DATABASES["default"]["OPTIONS"]["options"] = "-c plan_cache_mode=force_custom_plan"
DATABASES["default"]["OPTIONS"].setdefault("connect_timeout", 5)  # seconds; a page should fail, not hang
DATABASES["default"]["OPTIONS"].setdefault("tcp_user_timeout", 10_000)  # ms; as does a host that fell silent
DATABASES["default"]["CONN_MAX_AGE"] = 60
# Of web and capture (see database.limit_statements): budgets are far shorter, and no batch of logs takes so long.
STATEMENT_SECONDS = env.int("PORTKEY_LOGS_STATEMENT_TIMEOUT", 300, validate=validate.Range(min=1))
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "django_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},  # few, and somebody could push the limits of others' sign-ins out
    }
}

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
PASSWORD_HASHERS = ["portkey_logs.accounts.hashers.BoundedArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},  # NIST SP 800-63B asks for 8 with a second factor; we have none yet
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # accounts come from invitations; no mail server is needed
# Failed sign-ins. From one address (of IPv6, its /64) ten a minute, and for one account five in five minutes; for one
# account from everywhere 50 an hour, which makes a list of common passwords useless (portkey_logs.accounts.adapter).
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/5m/key", "login_failed_of_account": "50/h/key"}
ACCOUNT_ADAPTER = "portkey_logs.accounts.adapter.InvitedOnlyAdapter"
# How many proxies stand in front and append to X-Forwarded-For: sign-in limits count by the address behind them.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("PORTKEY_LOGS_TRUSTED_PROXIES", 0)
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
SESSION_ENGINE = "portkey_logs.accounts.sessions"
SESSION_COOKIE_AGE = 30 * 24 * 3600  # a tool that is open all day asks again once a month

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

# Log content is hostile: no inline script, nothing remote, no framing. Images and audio of logs come from
# ourselves; data: serves the marks that the stylesheet draws.
SECURE_CSP = {
    "default-src": [CSP.NONE],
    "script-src": [CSP.SELF],
    "style-src": [CSP.SELF],
    "img-src": [CSP.SELF, "data:"],
    "media-src": [CSP.SELF],
    "font-src": [CSP.SELF],
    "connect-src": [CSP.SELF],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.NONE],
    "frame-ancestors": [CSP.NONE],
    "manifest-src": [CSP.SELF],
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
IS_HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_HTTPS
# Browsers take a cookie of such a name only over https and for this host alone: no other subdomain can set it.
_COOKIE_PREFIX = "__Host-" if IS_HTTPS else ""
SESSION_COOKIE_NAME = f"{_COOKIE_PREFIX}sessionid"
CSRF_COOKIE_NAME = f"{_COOKIE_PREFIX}csrftoken"
DEVICE_COOKIE_NAME = f"{_COOKIE_PREFIX}device"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if IS_HTTPS else 0  # this host alone: its neighbours may have no https

# Bodies of LLM calls carry images: 3 MB is common, 20 MB is seen. 64 MiB leaves room for a batch.
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024 * 1024
FILE_UPLOAD_HANDLERS: list[str] = []  # nothing here takes files; one in a form touches no disk

# Capture: where calls go, where the control routes go, and whom a call may name as its host.
GATEWAY_URL = env.str("PORTKEY_GATEWAY_URL", "").rstrip("/").removesuffix("/v1") or None
CAPTURE_URL = env.str("PORTKEY_LOGS_CAPTURE_URL", "http://127.0.0.1:8788").rstrip("/")  # replays go through it
# What pages tell people to call: in their network capture may have another name, and TLS before it.
CALLS_URL = env.str("PORTKEY_LOGS_CALLS_URL", "").rstrip("/").removesuffix("/v1")
WEB_URL = env.str("PORTKEY_LOGS_WEB_URL", "http://127.0.0.1:8000").rstrip("/")
TRUSTED_HOSTS: list[str] = env.list("PORTKEY_LOGS_TRUSTED_HOSTS", [])
# Between two chunks of an answer; models that think are silent for minutes.
UPSTREAM_SECONDS = env.float("PORTKEY_LOGS_UPSTREAM_TIMEOUT", 600, validate=validate.Range(min=0, min_inclusive=False))
# What may wait on the disk while the database is away; 10 GB are days of a busy team.
SPOOL_BYTES = env.int("PORTKEY_LOGS_SPOOL_MB", 10_000, validate=validate.Range(min=1)) * 1_000_000

# What one API key may have in each process: docs/security.md, "Requests and limits on capture and ingest".
_POSITIVE = validate.Range(min=1)
SHARE_LIMITS = ShareLimits(
    calls_at_a_time=env.int("PORTKEY_LOGS_KEY_CALLS_AT_A_TIME", 1_000, validate=_POSITIVE),
    calls_per_minute=env.int("PORTKEY_LOGS_KEY_CALLS_PER_MINUTE", 120_000, validate=_POSITIVE),
    bytes_per_minute=env.int("PORTKEY_LOGS_KEY_MB_PER_MINUTE", 6_000, validate=_POSITIVE) * 1_000_000,
)

# Logs older than this are dropped by the worker, and refused at the door.
RETENTION_DAYS = env.int("PORTKEY_LOGS_RETENTION_DAYS", 30, validate=validate.Range(1, 3650))
# Audit events are small and asked for late: a year, and the month in which the year is looked back at.
AUDIT_DAYS = env.int("PORTKEY_LOGS_AUDIT_DAYS", 400, validate=validate.Range(1, 3650))

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "portkey_logs.lib.log_lines.EscapingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "filters": {"one_line": {"()": "portkey_logs.lib.log_lines.RefusalsInOneLine"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line", "filters": ["one_line"]}},
    # Django's own handlers, which do not escape, give way to the one of the root.
    "loggers": {name: {"handlers": [], "propagate": True} for name in ("django", "django.server")},
    "root": {"handlers": ["console"], "level": env.str("PORTKEY_LOGS_LOG_LEVEL", "WARNING")},
}
