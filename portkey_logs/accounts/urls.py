"""Below /accounts/. Of allauth only signing in and out are reachable; accounts come from invitations."""

from allauth.account import views as allauth_views
from django.urls import path

from portkey_logs.accounts.views import invitations, links, password, sessions

urlpatterns = [
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("link/<str:token>/", links.sign_in_link, name="sign_in_link"),
    path("invite/<str:token>/", invitations.invitation, name="invitation"),
    path("sessions/", sessions.sessions, name="sessions"),
    path("password/", password.password, name="password"),
]
