"""The page that a browser ends on, whoever serves it: self-contained and unsaved."""

from __future__ import annotations

from string import Template

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
_BACK = "You can close this tab. Your notebook goes on by itself."
_REFUSED = (
    "Nothing was given to your notebook, and it says so too. You can close this tab."
)
_STALE = (
    "The sign-in that this address belongs to is over, or was started elsewhere. "
    "Go back to your notebook and use the newest link there."
)
_INSECURE = (
    "This Jupyter server is not reached over https, so the answer to your sign-in "
    "could be read on its way. Ask those who run it for https, or go back to your "
    "notebook and run %intermezzo_login --via paste."
)
_TEMPLATE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · Intermezzo</title><style>
:root { color-scheme: light dark; --ink: #15202b; --soft: #51606e; --ground: #eef1f4;
  --card: #fff; --line: #d7dde3; --mark: #0b6e5f }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #a3b1be;
  --ground: #0f151b; --card: #18212a; --line: #2c3843; --mark: #5fd3bf } }
body { margin: 0; min-height: 100vh; display: grid; place-items: center;
  background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif }
main { box-sizing: border-box; width: min(26rem, calc(100vw - 2rem));
  padding: 2.25rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 14px }
b { color: var(--mark); letter-spacing: .02em } .match { margin-top: 1.25rem }
.match strong { display: block; color: var(--ink); letter-spacing: .14em;
  font: 600 1.4rem/1.4 ui-monospace, monospace } h1 { font-size: 1.35rem;
  line-height: 1.25; margin: .75rem 0 .5rem } p { margin: 0; color: var(--soft) }
</style></head><body><main><b>Intermezzo</b><h1>$title</h1><p>$text</p>$more</main>
</body></html>
""")


def answered(match: str, *, is_refused: bool) -> bytes:
    """
    Draw the page of an answer that is on its way to the notebook.

    Parameters
    ----------
    match : str
        The letters that the notebook showed beside its link.
    is_refused : bool
        Whether it is an error, and no code (RFC 6749 §4.1.2.1).
    """
    if is_refused:
        return _page("The sign-in was refused", _REFUSED, match=match)
    return _page("Your answer has arrived", _BACK, match=match)


def stale() -> bytes:
    """Draw the page of an answer to nothing."""
    return _page("Nothing waits for this", _STALE)


def insecure() -> bytes:
    """Draw the refusal to have an answer sent over plain http."""
    return _page("This way is not safe", _INSECURE)


def _page(title: str, text: str, *, match: str = "") -> bytes:
    # All of it is ours; nothing comes from outside.
    more = ""
    if match:
        # By now the card there is another one.
        letters = f"<strong>{match}</strong>"
        more = f'<p class="match">Your notebook showed the same {letters}</p>'
    return _TEMPLATE.substitute(title=title, text=text, more=more).encode()
