"""Below /accounts/. Of allauth only signing in and out are reachable; accounts come from invitations."""

from allauth.account import views as allauth_views
from django.urls import path

urlpatterns = [
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", allauth_views.logout, name="account_logout"),
]
