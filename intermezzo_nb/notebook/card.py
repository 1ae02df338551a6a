"""How a sign-in looks, as HTML and as text; it decides nothing and holds no state."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable
from html import escape
from typing import TextIO

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
_GOOD = f"var(--jp-success-color1, {_MARK})"
_CARD = (
    f"box-sizing:border-box;max-width:34rem;margin:4px 0;padding:18px 20px 16px;"
    f"border:1px solid {_LINE};border-left:4px solid {{edge}};border-radius:8px;"
    f"background:{_GROUND};color:{_INK};font:14px/1.5 {_FONT};overflow-wrap:anywhere"
)
_BUTTON = (
    # The border shows where a high-contrast theme takes the background away.
    f"display:inline-block;padding:7px 17px;border:1px solid transparent;"
    f"border-radius:6px;background:{_MARK};color:#fff;font-weight:600;"
    "text-decoration:none"
)
_CODE = (
    "margin:0;font:600 24px/1.3 var(--jp-code-font-family, monospace);"
    "letter-spacing:.12em;user-select:all"
)
_MATCH = "font-family:var(--jp-code-font-family, monospace);letter-spacing:.1em"
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
        The local time at which the link ends, as ``14:32 UTC+02:00``.
    """
    steps = _to_paste(prompt) if prompt.paste == "expected" else _by_itself(until)
    return _card(
        f"""{_heading("Sign in to Intermezzo", profile)}
<p style="margin:12px 0">{_link(prompt)}</p>
<div style="color:{_SOFT}">{steps}{_help(prompt)}</div>"""
    )


def device_ready(prompt: Prompt, profile: str, *, until: str) -> str:
    """
    Draw the code and its address, for this browser or for a telephone.

    The code is shown even where the link knows it already (RFC 8628 §3.3.1), and
    who sees it is told not to trust another's (§5.4).
    """
    at = escape(prompt.enter_at, quote=True)
    address = escape(prompt.enter_at.partition("://")[2])
    on, where = ("any device at", address) if address else ("the", "page for codes")
    return _card(
        f"""{_heading("Sign in to Intermezzo", profile)}
<div style="display:flex;gap:20px;align-items:center;flex-wrap:wrap;margin:12px 0">
<div style="flex:1 1 14rem">{_link(prompt)}
<p style="margin:12px 0 2px;color:{_SOFT}">Your code (a click selects it)</p>
<p class="intermezzo-code" style="{_CODE}">{escape(prompt.user_code)}</p>
<p style="margin:6px 0 0;color:{_SOFT}">Compare it there, or enter it on {on}
 <a href="{at}" target="_blank" rel="noopener noreferrer" style="color:inherit">
{where}</a>.</p></div>{_qr(prompt.url)}</div>
<p style="margin:0;color:{_SOFT}">This panel notices by itself when you have signed in,
 until {escape(until)}. Never enter a code that somebody sent you.</p>"""
    )


def working(text: str, profile: str) -> str:
    """Draw a state that passes by itself."""
    heading = _heading("Sign in to Intermezzo", profile, role="presentation")
    return _card(
        f'{heading}<p role="status" style="margin:10px 0 0">{escape(text)}</p>'
    )


def signed_in(status: Status) -> str:
    """Draw who is signed in, what was granted, and where the session is kept."""
    scopes = "".join(
        f'<span style="{_CHIP}">{escape(s)}</span>' for s in _words(status.scope)
    )
    identity = status.identity
    who = identity.name if identity and identity.name else status.who
    email = identity.email if identity and identity.email != who else ""
    rows = [
        ("E-mail", escape(email or "")),
        ("Profile", f"<code>{escape(status.profile)}</code>"),
        ("Where", escape(status.where)),
        ("Scopes", scopes),
        ("Session", escape(_session(status))),
    ]
    as_whom = f" as <strong>{escape(who)}</strong>" if who else ""
    mark = f'<span aria-hidden="true" style="color:{_GOOD}">✓</span>'
    title = f"{mark} Signed in{as_whom}"
    return _card(
        f"""{_heading(title)}{_table(rows)}
<p style="margin:10px 0 0;color:{_SOFT}">Next:
 <code>df = %intermezzo organizations</code></p>"""
    )


def ended(error: IntermezzoError, state: State, profile: str) -> str:
    """Draw an end without a session: what, why, what next."""
    is_cancelled = state is State.CANCELLED
    title = {
        State.CANCELLED: "Sign-in cancelled",
        State.TIMED_OUT: "Nobody signed in in time",
        State.DENIED: "Sign-in refused",
    }.get(state, "Sign-in failed")
    if error.code == "login_replaced":
        title = "Replaced by a newer sign-in"
    told = [] if is_cancelled else [f"{error.what[:1].upper()}{error.what[1:]}."]
    parts = "".join(
        f'<p style="margin:6px 0 0">{escape(text)}</p>'
        for text in [*told, error.why]
        if text
    )
    return _card(
        f"""{_heading(title, profile, role="status" if is_cancelled else "alert")}
{parts}<p style="margin:6px 0 0;color:{_SOFT}">{escape(error.advice)}</p>""",
        edge=_ALARM if state in {State.FAILED, State.DENIED} else _SOFT,
    )


def said(text: str) -> str:
    """Draw what is to be said about an address that was pasted."""
    style = f"color:{_SOFT};font:13px/1.5 {_FONT};max-width:34rem"
    return f'<div role="status" aria-live="polite" style="{style}">{escape(text)}</div>'


def left(seconds: float) -> str:
    """Draw the time that is left, which no screen reader repeats each second."""
    clock = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
    return f'<span role="timer" aria-live="off">{clock} left</span>'


def plain_link(prompt: Prompt, *, until: str) -> str:
    """Give the invitation as text."""
    lines = [f"Intermezzo: sign in at {prompt.where} until {until}.", prompt.url]
    if prompt.user_code:
        lines.append(
            f"Your code is {prompt.user_code}. Compare it there, or enter it on any "
            f"device at {prompt.enter_at}. Never enter a code that somebody sent you."
        )
    if prompt.paste == "expected":
        lines.append(
            "Your browser will end on a page that cannot be reached. Copy its whole "
            "address; %intermezzo_login --paste asks for it."
        )
    elif prompt.match:
        lines.append(f"The last page shows {prompt.match}. This is noticed by itself.")
    return "\n".join(lines)


def plain_signed_in(status: Status) -> str:
    """Give the one line that a saved notebook keeps."""
    who = f" as {status.who}" if status.who else ""
    return f"Intermezzo: signed in{who} · {status.profile} · {_session(status)}"


def _link(prompt: Prompt) -> str:
    url, where = escape(prompt.url, quote=True), escape(prompt.where)
    return (
        f'<a href="{url}" target="_blank" rel="noopener noreferrer" '
        f'class="intermezzo-sign-in" style="{_BUTTON}">Sign in at {where}'
        '<span aria-hidden="true">\N{NO-BREAK SPACE}↗</span></a>'
    )


def _by_itself(until: str) -> str:
    return f"""<p style="margin:0">Opens a new tab. Come back when you have signed in:
 this panel notices by itself, until {escape(until)}.</p>"""


def _to_paste(prompt: Prompt) -> str:
    at = escape((prompt.redirect_uri or "").partition("?")[0])
    return f"""<ol style="margin:0;padding-left:1.4em"><li>Sign in, in the new tab.</li>
<li>It ends on a page that <strong>cannot be reached</strong>: <code>{at}</code>.
 That is fine, as this kernel is on another machine than your browser.</li>
<li>Copy the whole address of that page into the field below, or run
 <code>%intermezzo_login --paste</code> and enter it there.</li></ol>"""


def _help(prompt: Prompt) -> str:
    uri = prompt.redirect_uri
    where = f'<code style="user-select:all">{escape(uri)}</code>' if uri else _OF_SERVER
    match = (
        f'<p style="margin:8px 0 0">The last page shows the letters <strong style='
        f'"{_MATCH}">{escape(prompt.match)}</strong>, to show that it belongs here.</p>'
    )
    unreachable = (
        "<p style='margin:4px 0'>It cannot be reached? Copy its whole address into the "
        "field below, or run <code>%intermezzo_login --paste</code>.</p>"
    )
    is_expected = prompt.paste == "expected"
    return f"""{"" if is_expected else match}<details style="margin-top:8px">
<summary style="cursor:pointer">The page shows an error?</summary>
{"" if is_expected else unreachable}<p style="margin:4px 0">It refuses the redirect URI?
 Ask those who run {escape(prompt.where)} to register this one for your client:
{where}</p><p style="margin:4px 0">It does not know the client?
 <code>%intermezzo_doctor</code> shows its id, and where that is set.</p></details>"""


_OF_SERVER = (
    "this Jupyter server's address, followed by <code>/intermezzo/callback</code>; on "
    "a JupyterHub the Hub's, followed by "
    "<code>/hub/user-redirect/intermezzo/callback</code>"
)


def _qr(url: str) -> str:
    if url.startswith("/"):
        return ""  # it leads on from the page that shows it, and from no telephone
    try:
        import segno
    except ImportError:  # the extra "qr" is not installed: the link and code will do
        return ""
    # Black on white whatever the theme: cameras need the contrast.
    drawing = segno.make(url, error="m", micro=False).svg_inline(
        scale=3, border=3, dark="#000", light="#fff", title="The link as a QR code"
    )
    return f'<div style="flex:none;line-height:0">{drawing}</div>'


def terminal_qr(url: str, terminal: TextIO) -> str:
    """Give a QR code in half blocks, where the terminal has room and letters for it."""
    try:
        import segno
    except ImportError:
        return ""
    code, drawing = segno.make(url, error="l", micro=False), io.StringIO()
    code.terminal(drawing, border=2, compact=True)
    text = drawing.getvalue()
    width = max(map(len, text.splitlines()))
    try:
        text.encode(terminal.encoding)
    except (LookupError, UnicodeEncodeError):
        return ""
    has_room = terminal.isatty() and shutil.get_terminal_size().columns >= width
    return f"\n{text}" if has_room else ""


def _card(content: str, *, edge: str = _MARK) -> str:
    style = _CARD.format(edge=edge)
    return (
        '<div class="intermezzo-card" role="group" aria-label="Intermezzo sign-in" '
        f'style="{style}">{content}</div>'
    )


def _heading(title: str, profile: str = "", *, role: str = "status") -> str:
    # The front end puts new content into old nodes, so the live region is new each
    # time: of such, screen readers announce an alert always, a status mostly.
    chip = ""
    if profile:
        chip = (
            f'<span style="color:{_SOFT}">profile <code>{escape(profile)}</code></span>'
        )
    return (
        '<div style="display:flex;gap:4px 12px;align-items:baseline;'
        f'justify-content:space-between;flex-wrap:wrap"><span role="{role}" '
        f'style="font-size:16px;font-weight:600">{title}</span>{chip}</div>'
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
