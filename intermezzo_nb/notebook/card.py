"""How a sign-in looks, as HTML and as text; it decides nothing and holds no state."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from ..errors import IntermezzoError
from ..login import State
from ..oauth.models import Prompt
from ..status import Status

# Inline styles, as front ends strip style sheets from saved output; colours by the
# front end's own variables (Jupyter's, then VS Code's), each with a fallback.
_INK = "var(--jp-ui-font-color1, var(--vscode-editor-foreground, inherit))"
_SOFT = "var(--jp-ui-font-color2, var(--vscode-descriptionForeground, inherit))"
_LINE = "var(--jp-border-color2, var(--vscode-widget-border, #8886))"
_GROUND = "var(--jp-layout-color1, var(--vscode-editor-background, transparent))"
_FONT = "var(--jp-ui-font-family, system-ui, sans-serif)"
_MARK, _ALARM = "#0b7a69", "#c62f3d"
_CARD = (
    f"box-sizing:border-box;max-width:34rem;margin:4px 0;padding:18px 20px 16px;"
    f"border:1px solid {_LINE};border-left:4px solid {{edge}};border-radius:8px;"
    f"background:{_GROUND};color:{_INK};font:14px/1.5 {_FONT}"
)
_BUTTON = (
    f"display:inline-block;padding:8px 18px;border-radius:6px;background:{_MARK};"
    "color:#fff;font-weight:600;text-decoration:none"
)
_CODE = (
    "margin:0;font:600 24px/1.3 var(--jp-code-font-family, monospace);"
    "letter-spacing:.12em;user-select:all"
)
_CHIP = (
    f"display:inline-block;margin:0 6px 4px 0;padding:0 8px;border:1px solid {_LINE};"
    "border-radius:10px;font-size:12px;line-height:20px"
)


def link_ready(prompt: Prompt, profile: str, *, until: str) -> str:
    """
    Draw the invitation: where, the link, and until when.

    Parameters
    ----------
    until : str
        The local time at which the link ends, as ``14:32``.
    """
    url, host = escape(prompt.url, quote=True), escape(prompt.host)
    return _card(
        f"""{_heading("Sign in to Intermezzo", profile)}
<p style="margin:12px 0"><a href="{url}" target="_blank" rel="noopener noreferrer"
 class="intermezzo-sign-in" style="{_BUTTON}">Sign in at {host} ↗</a></p>
<p style="margin:0;color:{_SOFT}">Opens a new tab. Come back when you have signed in:
 this panel notices by itself, until {escape(until)}.</p>
{_help(prompt)}"""
    )


def device_ready(prompt: Prompt, profile: str, *, until: str) -> str:
    """
    Draw the code and its address, for this browser or for a telephone.

    The code is shown even where the link knows it already (RFC 8628 §3.3.1), and
    who sees it is told not to trust another's (§5.4).
    """
    url = escape(prompt.url, quote=True)
    at, host = escape(prompt.enter_at, quote=True), escape(prompt.host)
    return _card(
        f"""{_heading("Sign in to Intermezzo", profile)}
<div style="display:flex;gap:20px;align-items:center;flex-wrap:wrap;margin:12px 0">
<div style="flex:1 1 14rem"><a href="{url}" target="_blank" rel="noopener noreferrer"
 class="intermezzo-sign-in" style="{_BUTTON}">Sign in at {host} ↗</a>
<p style="margin:12px 0 2px;color:{_SOFT}">Your code</p>
<p class="intermezzo-code" style="{_CODE}">{escape(prompt.user_code)}</p>
<p style="margin:6px 0 0;color:{_SOFT}">Compare it there, or enter it on any device at
 <a href="{at}" target="_blank" rel="noopener noreferrer" style="color:inherit">
{escape(prompt.enter_at.partition("://")[2])}</a>.</p></div>{_qr(prompt.url)}</div>
<p style="margin:0;color:{_SOFT}">This panel notices by itself when you have signed in,
 until {escape(until)}. Never enter a code that somebody sent you.</p>"""
    )


def working(text: str, profile: str) -> str:
    """Draw a state that passes by itself."""
    heading = _heading("Sign in to Intermezzo", profile)
    return _card(
        f'{heading}<p role="status" style="margin:10px 0 0">{escape(text)}</p>'
    )


def signed_in(status: Status) -> str:
    """Draw who is signed in, what was granted, and where the session is kept."""
    scopes = "".join(
        f'<span style="{_CHIP}">{escape(s)}</span>' for s in _words(status.scope)
    )
    rows = [
        ("Profile", f"<code>{escape(status.profile)}</code>"),
        ("Where", escape(_host(status.issuer))),
        ("Scopes", scopes),
        ("Session", escape(_session(status))),
    ]
    who = escape(str(status.identity)) if status.identity else ""
    as_whom = f" as <strong>{who}</strong>" if who else ""
    title = f'<span style="color:{_MARK}">✓</span> Signed in{as_whom}'
    return _card(
        f"""{_heading(title)}{_table(rows)}
<p style="margin:10px 0 0;color:{_SOFT}">Next:
 <code>df = %intermezzo employees</code></p>"""
    )


def ended(error: IntermezzoError, state: State, profile: str) -> str:
    """Draw an end without a session: what, why, what next."""
    title = {
        State.CANCELLED: "Sign-in cancelled",
        State.TIMED_OUT: "Nobody signed in in time",
        State.DENIED: "Sign-in refused",
    }.get(state, "Sign-in failed")
    told = [error.what[:1].upper() + error.what[1:] + ".", error.why]
    parts = "".join(
        f'<p style="margin:6px 0 0">{escape(text)}</p>' for text in told if text
    )
    return _card(
        f"""{_heading(title, profile)}{parts}
<p style="margin:6px 0 0;color:{_SOFT}">{escape(error.advice)}</p>""",
        edge=_ALARM if state is State.FAILED or state is State.DENIED else _SOFT,
    )


def plain_link(prompt: Prompt, *, until: str) -> str:
    """Give the invitation as text."""
    code = f"\nCode: {prompt.user_code}" if prompt.user_code else ""
    return (
        f"Intermezzo: sign in at {prompt.host} until {until}; this cell notices by "
        f"itself.\n{prompt.url}{code}"
    )


def plain_signed_in(status: Status) -> str:
    """Give the one line that a saved notebook keeps."""
    who = f" as {status.identity}" if status.identity else ""
    return f"Intermezzo: signed in{who} · {status.profile} · {_session(status)}"


def _help(prompt: Prompt) -> str:
    where = (
        f'<code style="user-select:all">{escape(prompt.redirect_uri)}</code>'
        if prompt.redirect_uri
        else "this Jupyter server's address, followed by "
        "<code>/intermezzo/callback</code>"
    )
    return f"""<details style="margin-top:8px;color:{_SOFT}">
<summary style="cursor:pointer">The page shows an error?</summary>
Ask those who run {escape(prompt.host)} to register this redirect URI for your client:
{where}</details>"""


def _qr(url: str) -> str:
    try:
        import segno
    except ImportError:  # the extra "qr" is not installed: the link and code will do
        return ""
    # Black on white whatever the theme: cameras need the contrast.
    drawing = segno.make(url, error="m", micro=False).svg_inline(
        scale=3, border=3, dark="#000", light="#fff", title="The link as a QR code"
    )
    return f'<div style="flex:none;line-height:0">{drawing}</div>'


def _card(content: str, *, edge: str = _MARK) -> str:
    style = _CARD.format(edge=edge)
    return f'<div class="intermezzo-card" style="{style}">{content}</div>'


def _heading(title: str, profile: str = "") -> str:
    chip = f"profile <code>{escape(profile)}</code>" if profile else ""
    return (
        '<div role="status" style="display:flex;gap:12px;align-items:baseline;'
        'justify-content:space-between;flex-wrap:wrap"><span style="font-size:16px;'
        f'font-weight:600">{title}</span>'
        f'<span style="color:{_SOFT}">{chip}</span></div>'
    )


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = "".join(
        f'<div style="color:{_SOFT}">{label}</div><div>{content}</div>'
        for label, content in rows
        if content
    )
    return (
        '<div style="display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;'
        f'margin-top:10px">{cells}</div>'
    )


def _session(status: Status) -> str:
    renews = "renews itself" if status.renews else "ends when its token expires"
    return f"kept {status.kept}; {renews}" if status.kept else renews


def _words(text: str | None) -> list[str]:
    return (text or "").split()


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
