"""The tables of show.toml about readers who sign in with an account, and about students."""

from typing import Annotated

from pydantic import Field

from podcast_pipeline.config.fields import DomainName, ProviderUrl
from podcast_pipeline.model import FrozenModel, NonEmptyStr, SingleLineStr


class OidcTable(FrozenModel):
    """[signin.oidc]: the site whose accounts sign readers in too (OpenID Connect)."""

    issuer: ProviderUrl
    """Address of the provider, exactly as it calls itself: `https://accounts.example.org`."""
    client_id: NonEmptyStr
    """The name that the provider has given to this site. Its secret is in PODCAST_OIDC_CLIENT_SECRET."""
    title: Annotated[SingleLineStr, Field(max_length=60)] = "your account"
    """What the sign-in page calls the account: `your Example Press account`."""


class SigninTable(FrozenModel):
    """[signin]: sign-in beside the mailed link, which always works."""

    oidc: OidcTable | None = None
    """The provider of other accounts, a table of its own
    (docs/how-to/mail.md#sign-in-with-an-account)."""


class StudentsTable(FrozenModel):
    """[students]: the price for students and teachers with an academic mail address."""

    page: bool = False
    """Whether the site has the page /students (docs/how-to/students.md). It needs a mail server."""
    domains: tuple[DomainName, ...] = ()
    """Domains of schools beside those of the list: `["kolleg.example"]`. Subdomains count too."""
    stripe_coupon: Annotated[NonEmptyStr, Field(max_length=200)] | None = None
    """Coupon at Stripe that is the student price. With it Stripe makes each code, where PODCAST_STRIPE_KEY is
    set; without it codes are loaded by `podcast students codes`."""
