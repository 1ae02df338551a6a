// A certified OpenID provider on loopback, for protocol tests. It says in one line of
// JSON where it is and who its clients are, and ends when its standard input does.
import { createServer } from "node:http";
import { randomBytes } from "node:crypto";
import Provider from "oidc-provider";

const option = (name, usual) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? usual : process.argv[at + 1];
};
const lifetime = Number(option("token-lifetime", "3600"));
const secret = () => `imz_cs_${randomBytes(32).toString("base64url")}`;
const callback = "http://127.0.0.1/intermezzo/callback";
const byPerson = {
  redirect_uris: [callback],
  grant_types: ["authorization_code", "refresh_token"],
  application_type: "native",
};
const clients = [
  { client_id: "native", token_endpoint_auth_method: "none", ...byPerson },
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
];

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const api = `${issuer}/v1`;
  const provider = new Provider(issuer, {
    clients,
    cookies: { keys: [randomBytes(16).toString("hex")] },
    conformIdTokenClaims: false,
    claims: { openid: ["sub"], profile: ["name"], email: ["email"] },
    scopes: ["openid", "offline_access", "read:things"],
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({ sub, name: "Foreign Person", email: `${sub}@foreign.example` }),
    }),
    pkce: { required: () => true },
    rotateRefreshToken: true,
    ttl: { AccessToken: lifetime, ClientCredentials: lifetime, RefreshToken: 86400 },
    features: {
      devInteractions: { enabled: true },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => api,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "read:things",
          accessTokenTTL: lifetime,
          accessTokenFormat: "opaque",
        }),
      },
    },
  });
  const oauth = provider.callback();
  server.on("request", async (request, response) => {
    if (!request.url.startsWith("/v1/")) return oauth(request, response);
    const [, token] = (request.headers.authorization || "").split(" ");
    const found =
      token &&
      ((await provider.AccessToken.find(token)) ||
        (await provider.ClientCredentials.find(token)));
    response.writeHead(found ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(found ? [{ id: "t1" }, { id: "t2" }] : {}));
  });
  const known = clients.map((client) => [client.client_id, client.client_secret ?? null]);
  console.log(JSON.stringify({ issuer, api, clients: Object.fromEntries(known) }));
});
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
