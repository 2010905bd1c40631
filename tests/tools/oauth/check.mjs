// check.mjs URL CLIENT: uses the authorization server at URL as the client that the file CLIENT names (`client create` printed it), with
// openid-client and jose. Prints a line for each check; stops at the first that fails.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, jwtVerify } from 'jose';
import * as oauth from 'openid-client';

const [url, file] = process.argv.slice(2);
const { client_id: id, client_secret: secret } = JSON.parse(readFileSync(file, 'utf8'));

async function check(name, run) {
  try {
    const result = await run();
    console.log(`check passed: openid-client, ${name}`);
    return result;
  } catch (error) {
    console.log(error);
    console.log(`check failed: openid-client, ${name}`);
    process.exit(1);
  }
}

const ways = { client_secret_basic: oauth.ClientSecretBasic, client_secret_post: oauth.ClientSecretPost };
for (const [way, authentication] of Object.entries(ways)) {
  const server = await check(`${way}: discovers the metadata`, () =>
    oauth.discovery(new URL(url), id, undefined, authentication(secret), {
      algorithm: 'oauth2',
      execute: [oauth.allowInsecureRequests],
    }),
  );
  const metadata = server.serverMetadata();
  const token = await check(`${way}: gets a token`, async () => {
    const answer = await oauth.clientCredentialsGrant(server, { scope: 'instances:manage' });
    assert.equal(answer.scope, 'instances:manage');
    assert.equal(answer.expires_in, 900);
    return answer.access_token;
  });
  await check(`${way}: verifies it offline`, async () => {
    const keys = createLocalJWKSet(await (await fetch(metadata.jwks_uri)).json());
    const demands = { issuer: url, audience: 'urn:msi-actions:api', typ: 'at+jwt', algorithms: ['ES256'] };
    const { payload } = await jwtVerify(token, keys, { ...demands, requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id', 'scope'] });
    assert.equal(payload.client_id, id);
    await assert.rejects(jwtVerify(token, keys, { ...demands, audience: 'urn:another' }));
  });
  const call = () => fetch(`${url}/v1/instances`, { headers: { authorization: `Bearer ${token}` } });
  await check(`${way}: the API takes it`, async () => assert.equal((await call()).status, 200));
  await check(`${way}: introspects it`, async () => {
    const seen = await oauth.tokenIntrospection(server, token);
    assert.deepEqual([seen.active, seen.client_id, seen.scope], [true, id, 'instances:manage']);
  });
  await check(`${way}: revokes it`, () => oauth.tokenRevocation(server, token));
  await check(`${way}: sees it refused`, async () => {
    assert.deepEqual(await oauth.tokenIntrospection(server, token), { active: false });
    const answer = await call();
    assert.equal(answer.status, 401);
    assert.match(answer.headers.get('www-authenticate'), /invalid_token/);
  });
}
await check('a wrong secret is refused', async () => {
  const execute = [oauth.allowInsecureRequests];
  const wrong = await oauth.discovery(new URL(url), id, undefined, oauth.ClientSecretBasic('wrong'), { algorithm: 'oauth2', execute });
  await assert.rejects(oauth.clientCredentialsGrant(wrong), { status: 401 });
});
