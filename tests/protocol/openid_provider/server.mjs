// A certified OpenID provider on loopback, for protocol tests. It says in one line of
// JSON where it is and who its clients are, and ends when its standard input does.
import { createServer } from "node:http";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import Provider, { interactionPolicy } from "oidc-provider";
import * as own from "./pages.mjs";

console.info = console.warn; // standard output carries the one line only

const option = (name, usual) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : process.argv[at + 1];
};
const lifetime = Number(option("token-lifetime", "3600"));
const isJwt = option("jwt", "") !== ""; // access tokens; else they are opaque
// As an organization does for an application of its own: nobody is asked for consent.
const isTrusted = option("trusted", "") !== "";
// What people see: the library's pages for development, or those of pages.mjs.
const hasOwnPages = option("pages", "development") === "own";
// Seconds between two polls of a device; it says nothing of them by itself, so 5.
const interval = Number(option("interval", "0"));
const isTold = option("tell-secrets", "") !== ""; // to tests that look for leaks
const uris = (name) => option(name, "").split(" ").filter(Boolean);
const secret = () => `imz_cs_${randomBytes(32).toString("base64url")}`;
const callback = "http://127.0.0.1/intermezzo/callback";
const byPerson = {
  client_name: "Notebooks",
  redirect_uris: [callback, ...uris("redirect-uri")],
  grant_types: ["authorization_code", "refresh_token"],
  application_type: "native",
};
const clients = [
  {
    client_id: "native",
    token_endpoint_auth_method: "none",
    ...byPerson,
    grant_types: [
      ...byPerson.grant_types,
      "urn:ietf:params:oauth:grant-type:device_code",
    ],
  },
  {
    // https on a loopback address is refused to native applications.
    client_id: "behind-proxy",
    token_endpoint_auth_method: "none",
    ...byPerson,
    redirect_uris: ["https://app.example/intermezzo/callback", ...uris("https-redirect-uri")],
    application_type: "web",
  },
  {
    client_id: "web-basic",
    client_secret: secret(),
    token_endpoint_auth_method: "client_secret_basic",
    ...byPerson,
  },
  {
    client_id: "web",
    client_secret: secret(),
    token_endpoint_auth_method: "client_secret_post",
    ...byPerson,
  },
  {
    client_id: "machine",
    client_secret: secret(),
    token_endpoint_auth_method: "client_secret_post",
    redirect_uris: [],
    response_types: [],
    grant_types: ["client_credentials"],
  },
  {
    client_id: "machine-with-key",
    token_endpoint_auth_method: "private_key_jwt",
    jwks: { keys: JSON.parse(option("client-keys", "[]")) },
    redirect_uris: [],
    response_types: [],
    grant_types: ["client_credentials"],
  },
];

const { privateKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { format: "jwk" },
  publicKeyEncoding: { format: "jwk" },
});
const { kty, n, e } = privateKey;
const key = { kid: "1", use: "sig", alg: "RS256" };
const keys = createLocalJWKSet({ keys: [{ ...key, kty, n, e }] });
const things = [
  { id: "t1", name: "First thing", weight: 1.5 },
  { id: "t2", name: "Second thing", weight: 2.25 },
];
const policy = interactionPolicy.base();
if (isTrusted) policy.get("consent").checks.clear();

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const api = `${issuer}/v1`;
  const granted = async ({ oidc }) => {
    const grant = new provider.Grant({
      accountId: oidc.session.accountId,
      clientId: oidc.client.clientId,
    });
    grant.addOIDCScope(oidc.params.scope);
    grant.addOIDCClaims(["name", "email"]);
    grant.addResourceScope(api, "read:things");
    await grant.save();
    return grant;
  };
  const provider = new Provider(issuer, {
    clients,
    interactions: { policy, ...(hasOwnPages ? { url: own.url } : {}) },
    ...(isTrusted ? { loadExistingGrant: granted } : {}),
    cookies: { keys: [randomBytes(16).toString("hex")] },
    jwks: { keys: [{ ...privateKey, ...key }] },
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
    scopes: ["openid", "offline_access", "read:things"],
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: "Foreign Person", email: `${sub}@foreign.example` }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: {
      AccessToken: lifetime,
      ClientCredentials: lifetime,
      RefreshToken: 86400,
    },
    clientAuthMethods: [
      "none",
      "client_secret_basic",
      "client_secret_post",
      "private_key_jwt",
    ],
    enabledJWA: {
      clientAuthSigningAlgValues: ["RS256", "PS256", "ES256", "ES384", "EdDSA"],
    },
    features: {
      devInteractions: { enabled: !hasOwnPages },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true, ...(hasOwnPages ? own.deviceFlow : {}) },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => api,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "read:things",
          audience: api,
          accessTokenTTL: lifetime,
          accessTokenFormat: isJwt ? "jwt" : "opaque",
          jwt: { sign: { alg: "RS256" } },
        }),
      },
    },
  });
  const find = async (token) =>
    (await provider.AccessToken.find(token)) ||
    (await provider.ClientCredentials.find(token));
  const read = (token) =>
    jwtVerify(token, keys, { issuer, audience: api }).catch(() => undefined);
  const secrets = new Set();
  for (const kind of ["access_token", "refresh_token", "authorization_code", "device_code"])
    provider.on(`${kind}.saved`, (token) => secrets.add(token.jti));
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc?.params?.code_verifier) secrets.add(ctx.oidc.params.code_verifier);
    if (interval && ctx.body?.device_code) ctx.body = { ...ctx.body, interval };
  });
  if (hasOwnPages) provider.use(own.interactions(provider));
  const oauth = provider.callback();
  server.on("request", async (request, response) => {
    if (isTold && request.url === "/secrets")
      return response.end(JSON.stringify([...secrets]));
    if (!request.url.startsWith("/v1/")) return oauth(request, response);
    const [, token] = (request.headers.authorization || "").split(" ");
    const found = token && (await (isJwt ? read(token) : find(token)));
    response.writeHead(found ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(found ? things : {}));
  });
  const known = clients.map((client) => [client.client_id, client.client_secret ?? null]);
  console.log(JSON.stringify({ issuer, api, clients: Object.fromEntries(known) }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
