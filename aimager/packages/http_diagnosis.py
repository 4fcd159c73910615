"""What stands between this machine and a mirror, recognised by how it answers.

Portals of hotels and public networks answer every address with a page of their own; proxies
answer in the mirror's place, refuse, or replace its certificate.
"""

import os
import re
from html import unescape
from urllib.parse import urlsplit

import requests

from aimager import limits
from aimager.errors import DownloadError

_PAGE = re.compile(rb"\s*<(!--|(!doctype|\?xml|html|head|body|title|script|meta)\b)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title", re.IGNORECASE | re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_SAID = 60
_CREDENTIALS = re.compile(r"(?<=//)[^/]*@|^[^/]*@")
"""In the address of a proxy, which may lack its ``http://``."""

_PROXIES = ("https_proxy", "http_proxy", "all_proxy")

_OTHER_MIRROR = "check the network, or name another mirror with repo-url-parent="
_PORTAL = (
    "open any page in a browser, in case this network asks for a login, and run the same command"
    " again; or the address is not a mirror's: name another with repo-url-parent="
)


_BY_PROXIES = (requests.exceptions.ProxyError, requests.exceptions.InvalidURL)
"""What a wrong proxy makes requests raise, the addresses of mirrors having been looked at."""


class PageError(DownloadError):
    """A web page came in the place of a file."""


def refuse_page(response: requests.Response, start: bytes) -> None:
    """See that the file that a mirror sends, which begins with ``start``, is not a web page.

    No database, package or signature begins like one.

    :raises PageError: when it is a web page
    """
    is_part = response.status_code == requests.codes.partial_content
    if is_part or not _PAGE.match(start.removeprefix(_BYTE_ORDER_MARK)):
        return
    asked = response.history[0].url if response.history else response.url
    # Short, for the pattern goes back and forth.
    title = _TITLE.search(start[: limits.PAGE])
    printable = printable_words(unescape(title[1].decode(errors="replace"))) if title else ""
    page = f"the page '{printable}'" if printable else "a web page"
    led = f" from {urlsplit(response.url).netloc}" if _leads_away(asked, response.url) else ""
    raise PageError(f"{asked}: {page}{led} came in place of the file", hint=_PORTAL)


def explain_status(response: requests.Response) -> str:
    """What to do about the refusal that ``response`` is."""
    status = response.status_code
    if status == requests.codes.network_authentication_required:
        return _PORTAL
    if status == requests.codes.proxy_authentication_required:
        return f"the proxy asks for a name and password: {_proxies()}, as http://NAME:PASSWORD@HOST"
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        return (
            "the mirror, or a proxy in between, does not serve this machine: name another with"
            " repo-url-parent="
        )
    if status in (requests.codes.too_many_requests, requests.codes.service_unavailable):
        wanted = response.headers.get("Retry-After", "")
        said = f", and asks to wait (Retry-After: {printable_words(wanted)})" if wanted else ""
        return f"the mirror is busy{said}: try again later, or another with repo-url-parent="
    if status == requests.codes.not_found and response.url.endswith(".db"):
        return (
            "it does not have this repository, or is not a mirror: name another with"
            " repo-url-parent="
        )
    return (
        "its database is newer or older than its files: try again later, or another mirror"
        " with repo-url-parent="
    )


def explain_connection(error: Exception) -> tuple[str, str]:
    """The reason of a connection that failed, and what to do about it."""
    said = reason(error)
    if "SOCKS" in said:
        return said, f"pip install PySocks where doit is, or unset the proxy: {_proxies()}"
    if isinstance(error, _BY_PROXIES) or "Proxy URL" in said:
        return f"the proxy failed: {said}", f"check that it is the right one: {_proxies()}"
    if isinstance(error, requests.exceptions.SSLError):
        return said, _explain_certificate(said)
    if "name resolution" in said or "not known" in said:
        return said, "check the spelling of its name, the network and /etc/resolv.conf"
    return said, _OTHER_MIRROR


def refuse_authorities(url: str, error: OSError) -> None:
    """Explain that requests does not find its file of certificate authorities, if that is so.

    :raises DownloadError: when it is
    """
    if error.errno is None and "CA certificate" in str(error):
        names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        raise DownloadError(
            f"{url} cannot be reached: the file of certificate authorities is missing:"
            f" {reason(error)}",
            hint=f"unset {' and '.join(n for n in names if os.environ.get(n)) or names[0]}, or"
            " name a file of certificates with it",
        ) from error


def reason(error: Exception) -> str:
    """The innermost of the reasons that requests and urllib3 wrap into one another."""
    cause: BaseException = error
    while inner := (cause.__cause__ or cause.__context__ or getattr(cause, "reason", None)):
        if not isinstance(inner, BaseException):
            break
        cause = inner
    said = str(cause).rpartition(": ")[2]
    return re.sub(r"^[A-Z0-9_]+\] ", "", said) or type(cause).__name__  # as OpenSSL's reasons begin


def _explain_certificate(said: str) -> str:
    if "not yet valid" in said or "expired" in said:
        return (
            "the clock of this machine may be wrong (date shows it; as root: timedatectl set-ntp"
            " true); packages are verified by their own keys, so an http:// mirror is as safe"
        )
    return (
        "a proxy may have replaced the mirror's certificate: REQUESTS_CA_BUNDLE=FILE names the"
        " authority to trust; an http:// mirror is as safe, because packages have their own keys"
    )


def printable_words(said: str) -> str:
    """What a server said, short and without what moves a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in said[:_LONGEST_SAID])


def _leads_away(asked: str, came: str) -> bool:
    return urlsplit(asked).netloc != urlsplit(came).netloc


def _proxies() -> str:
    """The variables of the environment that name proxies, without the passwords in them."""
    named = []
    for name in (n for lower in _PROXIES for n in (lower, lower.upper())):
        if value := os.environ.get(name):
            named.append(f"{name}={_CREDENTIALS.sub('', value)}")
    return ", ".join(named) or "http_proxy and https_proxy name it"
