from django.urls import include, path

urlpatterns = [
    path("accounts/", include("portkey_logs.accounts.urls")),
    path("", include("logs.urls")),
]
