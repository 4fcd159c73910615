"""What stands between this machine and a mirror, recognised by how it answers.

Portals of hotels and of public networks answer every address with a page of their own; proxies
answer in the mirror's place, refuse, or put a certificate of theirs before its.
"""

import os
import re
from html import unescape
from urllib.parse import urlsplit

import requests

from aimager.errors import DownloadError

_PAGE = re.compile(rb"\s*<(!--|(!doctype|\?xml|html|head|body|title|script|meta)\b)", re.IGNORECASE)
_TITLE = re.compile(rb"<title[^>]*>\s*(.*?)\s*</title", re.IGNORECASE | re.DOTALL)
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_LONGEST_SAID = 60
_PROXIES = ("https_proxy", "http_proxy", "all_proxy")

_OTHER_MIRROR = "check the network, or name another mirror with repo-url-parent="
_PORTAL = (
    "open any page in a browser, in case this network wants a login, and run the same command"
    " again; else the address is no mirror's: name another with repo-url-parent="
)


_BY_PROXIES = (requests.exceptions.ProxyError, requests.exceptions.InvalidURL)
"""What a wrong proxy makes requests raise, the addresses of mirrors having been looked at."""


class PageError(DownloadError):
    """A web page came in the place of a file."""


def refuse_page(response: requests.Response, start: bytes) -> None:
    """See that what a mirror gives, and ``start`` is the beginning of, is no web page.

    No database, package or signature begins as one.

    :raises PageError: when it is one
    """
    is_part = response.status_code == requests.codes.partial_content
    if is_part or not _PAGE.match(start.removeprefix(_BYTE_ORDER_MARK)):
        return
    asked = response.history[0].url if response.history else response.url
    title = _TITLE.search(start)
    printable = _printable(unescape(title[1].decode(errors="replace"))) if title else ""
    page = f"the page '{printable}'" if printable else "a web page"
    led = f" from {urlsplit(response.url).netloc}" if _leads_away(asked, response.url) else ""
    raise PageError(f"{asked}: {page}{led} came in place of the file", hint=_PORTAL)


def explain_status(response: requests.Response) -> str:
    """What to do about the refusal that ``response`` is."""
    status = response.status_code
    if status == requests.codes.network_authentication_required:
        return _PORTAL
    if status == requests.codes.proxy_authentication_required:
        return f"the proxy wants a name and password: {_proxies()}, as http://NAME:PASSWORD@HOST"
    if status in (requests.codes.unauthorized, requests.codes.forbidden):
        return (
            "the mirror, or a proxy before it, does not serve this machine: name another with"
            " repo-url-parent="
        )
    if status in (requests.codes.too_many_requests, requests.codes.service_unavailable):
        wanted = response.headers.get("Retry-After", "")
        said = f", and asks to wait (Retry-After: {_printable(wanted)})" if wanted else ""
        return f"the mirror is busy{said}: try again later, or another with repo-url-parent="
    if status == requests.codes.not_found and response.url.endswith(".db"):
        return (
            "it does not carry this repository, or is no mirror: name another with repo-url-parent="
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
        return f"the proxy does not help: {said}", f"see whether it is the right one: {_proxies()}"
    if isinstance(error, requests.exceptions.SSLError):
        return said, _explain_certificate(said)
    if "name resolution" in said or "not known" in said:
        return said, "check the spelling of its name, the network and /etc/resolv.conf"
    return said, _OTHER_MIRROR


def refuse_authorities(url: str, error: OSError) -> None:
    """Tell of the file of certificate authorities that requests does not find, if that is all.

    :raises DownloadError: when it is
    """
    if error.errno is None and "CA certificate" in str(error):
        names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        raise DownloadError(
            f"{url} cannot be reached: there is no such file of authorities: {reason(error)}",
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
            "the clock of this machine may be wrong (date tells it; as root: timedatectl set-ntp"
            " true); packages are verified by their own keys, so an http:// mirror is as safe"
        )
    return (
        "a proxy may have put its certificate before the mirror's: REQUESTS_CA_BUNDLE=FILE names"
        " the authority to trust; an http:// mirror is as safe, for packages have their own keys"
    )


def _printable(said: str) -> str:
    """What a server said, short and without what moves a terminal's cursor."""
    return "".join(c if c.isprintable() else " " for c in said[:_LONGEST_SAID])


def _leads_away(asked: str, came: str) -> bool:
    return urlsplit(asked).netloc != urlsplit(came).netloc


def _proxies() -> str:
    """The variables of the environment that name proxies, without the passwords in them."""
    named = []
    for name in (n for lower in _PROXIES for n in (lower, lower.upper())):
        if value := os.environ.get(name):
            named.append(f"{name}={re.sub('//[^/@]*@', '//', value)}")
    return ", ".join(named) or "http_proxy and https_proxy name it"
