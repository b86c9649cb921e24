"""Sign-in with an account of another site, opened as show.toml and the environment have it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from podcast_pipeline.audience.subscribers import Subscribers
    from podcast_pipeline.cli.session import CliSession
    from podcast_pipeline.web.routes.oidc import OidcSignIn


def open_oidc(session: "CliSession", subscribers: "Subscribers") -> "OidcSignIn | None":
    """Return the sign-in by [signin.oidc]; None without that table, or without a mail server."""
    from podcast_pipeline.audience.oidc.matching import AccountMatching
    from podcast_pipeline.audience.oidc.provider import Client, Provider
    from podcast_pipeline.remote_feeds.json_client import JsonClient
    from podcast_pipeline.web.routes.oidc import BACK, OidcSignIn

    config, table = session.config, session.config.signin.oidc
    if table is None:
        return None
    if not config.mail.host:
        session.output.warn("[signin.oidc] is not used without a mail server; set host in [mail]")
        return None
    secret = config.oidc_client_secret.get_secret_value() if config.oidc_client_secret else None
    client = Client(table.issuer, table.client_id, secret, redirect_uri=f"{config.urls.site}{BACK}")
    return OidcSignIn(
        Provider(client, JsonClient(table.issuer)),
        AccountMatching(subscribers.engine, show_id=subscribers.show_id, secret_key=subscribers.secret_key),
        table.title,
        subscribers.secret_key,
    )
