"""What a person sees of the practice server: sign-in, consent, and errors."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from .grants import PEOPLE, Person

_STYLE = """
:root { color-scheme: light dark; --ink: #14202b; --soft: #4d5d6b; --ground: #edf1f4;
  --card: #ffffff; --line: #d3dbe2; --mark: #0b6e5f; --on-mark: #ffffff;
  --tint: #e3f1ee; --focus: #1463c5; --warm: #7a4b00; --warm-ground: #fff3dc }
@media (prefers-color-scheme: dark) { :root { --ink: #e9eef3; --soft: #a9b7c4;
  --ground: #0e141a; --card: #17202a; --line: #2d3a46; --mark: #55cbb6;
  --on-mark: #06231e; --tint: #12302c; --focus: #7db4ff; --warm: #ffd48a;
  --warm-ground: #33270f } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column;
  align-items: center; justify-content: center; gap: 14px; padding: 16px;
  background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main { width: min(29rem, 100%); padding: 28px 32px; background: var(--card);
  border: 1px solid var(--line); border-radius: 16px;
  box-shadow: 0 1px 2px #0001, 0 12px 32px #0000000f }
@media (max-width: 420px) { main { padding: 26px 20px } }
.brand { display: flex; align-items: center; gap: 10px; font-weight: 650;
  font-size: 17px; letter-spacing: .01em }
.brand svg { width: 28px; height: 28px }
h1 { margin: 22px 0 6px; font-size: 24px; line-height: 1.25; font-weight: 650 }
p { margin: 0 0 16px; color: var(--soft) } strong { color: var(--ink) }
label { display: block; margin: 18px 0 6px; font-weight: 600; font-size: 14px }
.code { width: 100%; padding: 11px 12px; font: inherit; color: inherit;
  background: var(--ground); border: 1px solid var(--line); border-radius: 9px;
  letter-spacing: .12em; text-transform: uppercase }
.people { margin: 0; padding: 0; border: 0 }
.people legend { padding: 0; margin: 10px 0 8px; font-size: 14px;
  color: var(--soft) }
.person { display: flex; gap: 12px; align-items: center; margin: 0 0 6px;
  padding: 7px 14px; border: 1px solid var(--line); border-radius: 11px;
  cursor: pointer; font-weight: 400; font-size: 15px }
.person:hover { border-color: var(--mark) }
.person:has(input:checked) { border-color: var(--mark); background: var(--tint) }
.person input { accent-color: var(--mark); width: 18px; height: 18px; margin: 0 }
.person span { display: block; color: var(--soft); font-size: 13.5px }
.buttons { display: flex; gap: 10px; margin-top: 24px }
button { flex: 1; padding: 12px 16px; font: inherit; font-weight: 620; cursor: pointer;
  border-radius: 10px; border: 1px solid var(--line); background: none;
  color: var(--ink) }
button.primary { background: var(--mark); border-color: var(--mark);
  color: var(--on-mark) }
button:hover { filter: brightness(1.06) }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px }
ul { list-style: none; margin: 14px 0 0; padding: 0;
  border-top: 1px solid var(--line) }
li { padding: 5px 0 5px 28px; border-bottom: 1px solid var(--line);
  font-size: 15px; position: relative }
li::before { content: "✓"; position: absolute; left: 4px; color: var(--mark);
  font-weight: 700 }
.note { margin: 18px 0 0; font-size: 13.5px } code { font-size: 13px;
  overflow-wrap: anywhere }
.badge { padding: 5px 14px; border-radius: 20px; font-size: 13.5px;
  background: var(--warm-ground); color: var(--warm) }
"""
_MARK = (
    '<svg viewBox="0 0 28 28" aria-hidden="true"><rect width="28" height="28" rx="8" '
    'fill="var(--mark)"/><path d="M8 8v12M14 8v8M20 8v12" stroke="var(--on-mark)" '
    'stroke-width="3" stroke-linecap="round"/></svg>'
)


def ask(
    token: str, *, client: str, person: Person | None, asked: Iterable[str], note: str
) -> str:
    """
    Draw the question whether an application may have what it asks for.

    The form goes to the page's own address, whoever serves it.

    Parameters
    ----------
    token : str
        The hidden field against forged posts, as HTML.
    client : str
        The name of the application that asks.
    person : Person or None
        Who is signed in; None lets somebody be chosen.
    asked : iterable of str
        What it asks for, in words.
    note : str
        What to know before the answer is given.
    """
    items = "".join(f"<li>{escape(text)}</li>" for text in asked)
    return _page(
        "Allow access",
        f"""<h1>{escape(client)} asks for access</h1>
<form method="post">{token}{_person(person) if person else _PEOPLE}<ul>{items}</ul>
<div class="buttons"><button id="deny" name="step" value="deny">Deny</button>
<button class="primary" id="allow" name="step" value="allow">Allow</button></div>
</form><p class="note">{escape(note)}
You can take it back at any time by signing out in the notebook.</p>""",
    )


def enter_code(typed: str) -> str:
    """
    Draw the question for the code that a notebook shows (RFC 8628 §3.3).

    Parameters
    ----------
    typed : str
        What was entered, and led nowhere.
    """
    wrong = (
        '<p class="note" role="alert">No notebook waits with this code. '
        "Compare it letter by letter; each works once.</p>"
        if typed
        else ""
    )
    return _page(
        "Enter the code",
        f"""<h1>Enter the code</h1><p>that your notebook shows</p>
<form method="get"><label for="user_code">Code</label>
<input id="user_code" name="user_code" class="code" required autocomplete="off"
 autocapitalize="characters" spellcheck="false" placeholder="XXXX-XXXX" autofocus
 value="{escape(typed, quote=True)}">{wrong}
<div class="buttons"><button class="primary" id="continue">Continue</button></div>
</form>""",
    )


def device_done(*, allowed: bool) -> str:
    """Draw the end of a device's sign-in."""
    title = "You are signed in" if allowed else "Access was refused"
    text = "Go back to your notebook: it has noticed." if allowed else ""
    return _page(title, f"<h1>{title}</h1><p>{text} You can close this tab.</p>")


def error(title: str, text: str) -> str:
    """Draw an error that must not be sent back to whoever asked."""
    return _page(
        title,
        f"<h1>{escape(title)}</h1><p>{escape(text)}</p>"
        '<p class="note">Close this tab and go back to your notebook.</p>',
    )


def _person(person: Person) -> str:
    return (
        f"<p>You are <strong>{escape(person.name)}</strong> · {escape(person.role)}"
        f"<br>{escape(person.email)}</p>"
    )


def _choice(person: Person, *, chosen: bool) -> str:
    checked = " checked" if chosen else ""
    return (
        f'<label class="person"><input type="radio" name="email"'
        f' value="{escape(person.email, quote=True)}"{checked}><div>'
        f"{escape(person.name)} · {escape(person.role)}<span>{escape(person.email)}"
        "</span></div></label>"
    )


_CHOICES = "".join(_choice(p, chosen=not n) for n, p in enumerate(PEOPLE.values()))
_PEOPLE = (
    '<fieldset class="people"><legend><strong>Practise as</strong> one of these '
    f"invented people; there is no password.</legend>{_CHOICES}</fieldset>"
)


def _page(title: str, content: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta '
        'name="viewport" content="width=device-width, initial-scale=1"><title>'
        f"{escape(title)} · Intermezzo practice server</title><style>{_STYLE}</style>"
        f'</head><body><main><div class="brand">{_MARK}Intermezzo</div>{content}'
        '</main><div class="badge">Practice server · all data is invented</div>'
        "</body></html>"
    )
