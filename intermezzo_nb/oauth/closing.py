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
BACK = "You can close this tab. Your notebook goes on by itself."
STALE = (
    "The sign-in that this address belongs to is over, or was started elsewhere. "
    "Go back to your notebook and use the newest link there."
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
b { color: var(--mark); letter-spacing: .02em } h1 { font-size: 1.35rem;
  line-height: 1.25; margin: .75rem 0 .5rem } p { margin: 0; color: var(--soft) }
</style></head><body><main><b>Intermezzo</b><h1>$title</h1><p>$text</p></main>
</body></html>
""")


def page(title: str, text: str) -> bytes:
    """Draw the page; both texts are ours, none comes from outside."""
    return _TEMPLATE.substitute(title=title, text=text).encode()
