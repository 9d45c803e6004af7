/**
 * A real OpenID provider (`oidc-provider`) on 127.0.0.1, as a child process: it gives access tokens that are JWTs to
 * clients that show their secret. The parent steers it by messages:
 *
 * - `keys`: the private keys; the first one signs. A provider of the same issuer takes the place of the one before.
 * - `jwks`: what /jwks answers instead of the public keys, as text; null: the public keys.
 * - `slow`: /jwks is not answered until it is false again.
 * - `clockOffsetMs`: how far this process's clock is off.
 */
import { createServer } from 'node:http';

const realNow = Date.now;
let clockOffsetMs = 0;
Date.now = () => realNow() + clockOffsetMs;

const { default: Provider } = await import('oidc-provider');

const { port: wanted, audience, clients } = JSON.parse(process.argv[2]);

let provider;
let jwks = null;
let isSlow = false;
let waiting = [];
let asked = 0;

function providerWith(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    clients: clients.map(({ id, secret }) => ({
      client_id: id,
      client_secret: secret,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: keys[0].alg,
    })),
    scopes: [],
    // The roles of a client, as Keycloak would write them.
    extraTokenClaims: (_context, token) => {
      const { roles } = clients.find(({ id }) => id === token.clientId) ?? {};
      return roles === undefined ? undefined : { realm_access: { roles } };
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => audience,
        getResourceServerInfo: () => ({
          scope: '',
          audience,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: keys[0].alg } },
        }),
      },
    },
  });
}

const server = createServer((request, response) => {
  if (request.url !== '/jwks') return provider.callback()(request, response);
  asked += 1;
  const answer = () => {
    if (jwks === null) return provider.callback()(request, response);
    response.writeHead(200, { 'content-type': 'application/jwk-set+json' }).end(jwks);
  };
  if (isSlow) waiting.push(answer);
  else answer();
});

process.on('message', ({ keys, ...state }) => {
  if (keys !== undefined) provider = providerWith(`http://127.0.0.1:${server.address().port}`, keys);
  if (state.jwks !== undefined) jwks = state.jwks;
  if (state.clockOffsetMs !== undefined) clockOffsetMs = state.clockOffsetMs;
  if (state.slow !== undefined) isSlow = state.slow;
  if (!isSlow) for (const answer of waiting.splice(0)) answer();
  process.send({ port: server.address().port, asked });
});
process.on('disconnect', () => process.exit());

server.listen(wanted, '127.0.0.1', () => process.send({ port: server.address().port, asked }));
