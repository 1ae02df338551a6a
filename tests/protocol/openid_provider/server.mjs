// A certified OpenID provider on loopback, for protocol tests. It says in one line of
// JSON where it is and who its clients are, and ends when its standard input does.
import { createServer } from "node:http";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { createLocalJWKSet, jwtVerify } from "jose";
import Provider from "oidc-provider";

console.info = console.warn; // standard output carries the one line only

const option = (name, usual) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : process.argv[at + 1];
};
const lifetime = Number(option("token-lifetime", "3600"));
const isJwt = option("jwt", "") !== ""; // access tokens; else they are opaque
const secret = () => `imz_cs_${randomBytes(32).toString("base64url")}`;
const callback = "http://127.0.0.1/intermezzo/callback";
const byPerson = {
  redirect_uris: [callback, ...option("redirect-uri", "").split(" ").filter(Boolean)],
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

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const api = `${issuer}/v1`;
  const provider = new Provider(issuer, {
    clients,
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
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
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
  const oauth = provider.callback();
  server.on("request", async (request, response) => {
    if (!request.url.startsWith("/v1/")) return oauth(request, response);
    const [, token] = (request.headers.authorization || "").split(" ");
    const found = token && (await (isJwt ? read(token) : find(token)));
    response.writeHead(found ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(found ? [{ id: "t1" }, { id: "t2" }] : {}));
  });
  const known = clients.map((client) => [client.client_id, client.client_secret ?? null]);
  console.log(JSON.stringify({ issuer, api, clients: Object.fromEntries(known) }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
