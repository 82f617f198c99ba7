"""Whom we trust when masters and agents speak TLS, and how we prove who we are to those that ask."""

import ssl

from moroccron.settings import Settings, SettingsInvalid

_SYSTEM = "system"


def speaks_tls(settings: Settings) -> bool:
    """Whether masters without a scheme, such as those that ZooKeeper names, are reached by TLS."""
    return bool(settings.tls_ca)


def build_tls(settings: Settings) -> ssl.SSLContext | None:
    """None: nothing is set, and this machine's trust is good enough. Reads the files now and never again."""
    if settings.tls_key and not settings.tls_cert:
        raise _wrong("tls_key", "there is a key, but no certificate", "set tls_cert, too")
    if not (settings.tls_ca or settings.tls_cert or settings.tls_hostname != "check"):
        return None
    context = _trusting(settings)
    context.check_hostname = settings.tls_hostname == "check"
    if settings.tls_cert:
        try:
            context.load_cert_chain(settings.tls_cert, settings.tls_key or None)
        except (OSError, ssl.SSLError) as error:
            remedy = "name files with a PEM certificate and its key, without a password"
            raise _wrong(
                "tls_cert", f"{settings.tls_cert} cannot be used: {error}", remedy
            ) from error
    return context


def _trusting(settings: Settings) -> ssl.SSLContext:
    if settings.tls_ca in ("", _SYSTEM):
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cafile=settings.tls_ca)
    except (OSError, ssl.SSLError) as error:
        message = f"{settings.tls_ca} cannot be used: {error}"
        raise _wrong("tls_ca", message, "name a file with PEM certificates, or system") from error


def _wrong(name: str, message: str, remedy: str) -> SettingsInvalid:
    return SettingsInvalid(message, source=f"the setting {name}", name=name, remedy=remedy)
