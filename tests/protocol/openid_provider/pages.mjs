// Pages of a deployment's own, instead of oidc-provider's devInteractions, which its
// documentation keeps for development: each deployment is to write these. They are the
// tests' own, no product's, and show what a deployment can do by settings of the library
// alone: the page that asks whether the code is the notebook's (RFC 8628 §5.4) signs in
// by the same button. As on the library's pages, any name and any password are let in.

const style = `
:root { color-scheme: light dark; --ink: #1b1f2a; --soft: #565d6d; --ground: #eef0f5;
  --card: #fff; --line: #cfd4df; --mark: #2f4fc4; --on-mark: #fff; --tint: #e9edfb }
@media (prefers-color-scheme: dark) { :root { --ink: #eceef4; --soft: #aab1c2;
  --ground: #12141b; --card: #1c1f29; --line: #3a4050; --mark: #9db2ff;
  --on-mark: #101a40; --tint: #262c45 } }
* { box-sizing: border-box }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px;
  background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
main { width: min(27rem, 100%); padding: 26px; background: var(--card);
  border: 1px solid var(--line); border-radius: 14px }
h1 { margin: 0 0 14px; font-size: 22px; line-height: 1.3 }
p { margin: 0 0 14px; color: var(--soft) } strong { color: var(--ink) }
output { display: block; margin: 0 0 14px; padding: 10px; border-radius: 9px;
  background: var(--tint); text-align: center; letter-spacing: .1em;
  font: 600 27px/1.3 ui-monospace, monospace }
label { display: block; margin: 0 0 12px; font-size: 14px; font-weight: 600 }
input { width: 100%; padding: 10px 12px; font: inherit; font-weight: 400; color: inherit;
  background: none; border: 1px solid var(--line); border-radius: 9px }
button { width: 100%; margin-top: 10px; padding: 11px; font: inherit; font-weight: 600;
  color: inherit; background: none; border: 1px solid var(--line); border-radius: 9px;
  cursor: pointer }
#allow, #continue { color: var(--on-mark); background: var(--mark);
  border-color: var(--mark) }
:focus-visible { outline: 3px solid var(--mark); outline-offset: 2px }`;

const safe = (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);

const show = (ctx, title, content) => {
  // In a frame of another page, somebody could be led to press what they do not see.
  ctx.set("content-security-policy", "frame-ancestors 'none'");
  ctx.set("cache-control", "no-store");
  ctx.type = "html";
  ctx.body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport"
content="width=device-width, initial-scale=1"><title>${title}</title>
<style>${style}</style><main><h1>${title}</h1>${content}</main></html>`;
};

const nameOf = (client) => safe(client.clientName ?? client.clientId);
// The button that goes on comes first: it is the one that Enter presses.
const buttons = (yes, no, form) => `<button id="allow" form="${form}">${yes}</button>
<button name="abort" value="yes" form="${form}" formnovalidate>${no}</button>`;
const fields = (form) => `<label>Name<input name="login" type="text" form="${form}"
autocomplete="username" autocapitalize="none" required></label>
<label>Password<input name="password" type="password" form="${form}"
autocomplete="current-password" required></label>`;

const accountOf = ({ login, password }) => (password ? login : undefined);

export const deviceFlow = {
  userCodeConfirmSource(ctx, form, client, _, code) {
    const id = "op.deviceConfirmForm"; // of the form that is handed on, with its xsrf
    const person = ctx.oidc.session.accountId;
    const who = person
      ? `<p>You are signed in as <strong>${safe(person)}</strong>.</p>`
      : fields(id);
    show(
      ctx,
      "Is this the code that you see in your notebook?",
      `<output>${safe(code)}</output><p>Go on only if it is, and if it was you who asked:
<strong>${nameOf(client)}</strong> is let in as you.</p>${form}${who}
${buttons(`Yes, ${person ? "let it in" : "sign in"}`, "This is not my code", id)}`,
    );
  },
  userCodeInputSource(ctx, form, _, error) {
    if (error?.name === "AbortedError")
      return show(ctx, "Access was refused", "<p>You can close this tab.</p>");
    const wrong = error?.userCode ? "Nothing waits with this code." : "That went wrong.";
    const why = error ? `<p role="alert">${wrong}</p>` : "";
    show(
      ctx,
      "Enter the code that your notebook shows",
      `${why}${form}<button id="continue" form="op.deviceInputForm">Continue</button>`,
    );
  },
  successSource(ctx) {
    const text = "Go back to your notebook. You can close this tab.";
    show(ctx, "You are signed in", `<p>${text}</p>`);
  },
};

// Whoever confirmed a code has signed in on the same page: there is nothing left to ask.
export const url = async (ctx, interaction) => {
  const accountId = accountOf(ctx.oidc.body ?? {});
  if (interaction.prompt.name !== "login" || !interaction.deviceCode || !accountId)
    return `/interaction/${interaction.uid}`;
  interaction.result = { login: { accountId } };
  await interaction.persist();
  return interaction.returnTo;
};

const ask = (ctx, { prompt }, client) => {
  const form = '<form id="op" method="post"></form>';
  if (prompt.name === "login")
    return show(ctx, "Sign in", form + fields("op") + buttons("Sign in", "Cancel", "op"));
  const { missingOIDCScope = [], missingResourceScopes = {} } = prompt.details;
  const asked = [...missingOIDCScope, ...Object.values(missingResourceScopes).flat()];
  const text = `<p>It asks for: <strong>${safe(asked.join(", "))}</strong></p>`;
  const title = `${nameOf(client)} asks for access`;
  show(ctx, title, form + text + buttons("Allow", "Deny", "op"));
};

const grantTo = async (provider, { prompt, grantId, session, params }) => {
  const { accountId } = session;
  const grant = grantId
    ? await provider.Grant.find(grantId)
    : new provider.Grant({ accountId, clientId: params.client_id });
  const { missingOIDCScope, missingOIDCClaims, missingResourceScopes } = prompt.details;
  if (missingOIDCScope) grant.addOIDCScope(missingOIDCScope.join(" "));
  if (missingOIDCClaims) grant.addOIDCClaims(missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(missingResourceScopes ?? {}))
    grant.addResourceScope(resource, scopes.join(" "));
  return { consent: { grantId: await grant.save() } };
};

const answerTo = async (provider, interaction, form) => {
  if (form.abort)
    return { error: "access_denied", error_description: "End-User said no" };
  if (interaction.prompt.name !== "login") return grantTo(provider, interaction);
  const accountId = accountOf(form);
  return accountId && { login: { accountId } };
};

const read = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()));
};

// The pages to which `url` leads.
export const interactions = (provider) => async (ctx, next) => {
  if (!ctx.path.startsWith("/interaction/")) return next();
  const interaction = await provider.interactionDetails(ctx.req, ctx.res);
  if (ctx.method === "POST") {
    const answer = await answerTo(provider, interaction, await read(ctx.req));
    if (answer) return provider.interactionFinished(ctx.req, ctx.res, answer);
  }
  ask(ctx, interaction, await provider.Client.find(interaction.params.client_id));
};
