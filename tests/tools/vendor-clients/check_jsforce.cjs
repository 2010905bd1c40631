// check_jsforce.cjs SALESFORCE_URL: jsforce is authorized by a person at the simulated Salesforce, queries, reads in bulk and writes.
const assert = require('node:assert/strict');
const jsforce = require('jsforce');

const [loginUrl] = process.argv.slice(2);
const redirectUri = 'http://127.0.0.1:9/callback';

async function check(name, run) {
  try {
    const result = await run();
    console.log(`check passed: jsforce, ${name}`);
    return result;
  } catch (error) {
    console.log(error);
    console.log(`check failed: jsforce, ${name}`);
    process.exit(1);
  }
}

/** What a person does in the browser: opens the address, fills in the form; gives the code that comes back. */
async function agree(address) {
  const page = await fetch(address, { redirect: 'manual' });
  assert.equal(page.status, 200);
  const form = new URLSearchParams(new URL(address).search);
  form.set('username', 'maria.admin@example.com');
  form.set('password', 'sandbox');
  const back = await fetch(`${loginUrl}/login`, { method: 'POST', body: form, redirect: 'manual' });
  const query = new URL(back.headers.get('location')).searchParams;
  assert.equal(query.get('state'), 'a state');
  return query.get('code');
}

async function main() {
  const oauth2 = new jsforce.OAuth2({
    loginUrl,
    clientId: 'sandbox-salesforce-consumer-key',
    clientSecret: 'sandbox-salesforce-consumer-secret',
    redirectUri,
    useVerifier: true,
  });
  const connection = new jsforce.Connection({ oauth2, version: '66.0' });
  await check('is authorized by code and verifier', async () => {
    const code = await agree(oauth2.getAuthorizationUrl({ scope: 'api refresh_token id', state: 'a state' }));
    const user = await connection.authorize(code);
    assert.match(user.id, /^005/);
    assert.equal(connection.instanceUrl, loginUrl);
  });
  await check('asks who is logged in', async () => {
    assert.equal((await connection.identity()).username, 'maria.admin@example.com');
  });
  const contacts = await check('queries page by page', async () => {
    const { totalSize } = await connection.query('SELECT COUNT() FROM Contact');
    const found = await connection.query('SELECT Id, LastName, Account.Name FROM Contact', { autoFetch: true, maxFetch: 10000, headers: { 'Sforce-Query-Options': 'batchSize=200' } });
    assert.equal(found.records.length, totalSize);
    assert.ok(found.records[0].Account.Name);
    return totalSize;
  });
  await check('groups', async () => {
    const { records } = await connection.query('SELECT LeadSource, COUNT(Id) total FROM Lead GROUP BY LeadSource');
    const { totalSize } = await connection.query('SELECT COUNT() FROM Lead');
    assert.equal(records.reduce((sum, group) => sum + group.total, 0), totalSize);
  });
  await check('reads in bulk (2.0)', async () => {
    connection.bulk2.pollInterval = 50;
    const rows = await (await connection.bulk2.query('SELECT Id, LastName FROM Contact')).toArray();
    assert.equal(rows.length, contacts);
    assert.ok(rows.every((row) => row.Id.startsWith('003')));
  });
  await check('describes, and reads the limits', async () => {
    const { sobjects } = await connection.describeGlobal();
    assert.ok(sobjects.some((object) => object.name === 'Opportunity'));
    assert.ok((await connection.describe('Task')).fields.some((field) => field.name === 'WhoId'));
    assert.ok((await connection.limits()).DailyApiRequests.Remaining > 0);
  });
  await check('writes tasks and opportunities', async () => {
    const one = await connection.sobject('Task').create({ Subject: 'Call' });
    assert.equal((await connection.sobject('Task').retrieve(one.id)).Status, 'Not Started');
    assert.ok((await connection.sobject('Task').update({ Id: one.id, Status: 'Completed' })).success);
    const many = await connection.sobject('Task').create([{ Subject: 'a' }, { Subject: 'b' }]);
    assert.deepEqual((await connection.sobject('Task').retrieve(many.map((task) => task.id))).map((task) => task.Subject), ['a', 'b']);
    assert.ok((await connection.sobject('Task').destroy(many.map((task) => task.id))).every((gone) => gone.success));
    const deal = { Name: 'Deal', StageName: 'Prospecting', CloseDate: '2030-01-02', External_Key__c: 'jsforce-1' };
    assert.ok((await connection.sobject('Opportunity').upsert(deal, 'External_Key__c')).success);
    assert.ok((await connection.sobject('Opportunity').upsert({ ...deal, Amount: 7 }, 'External_Key__c')).success);
    assert.equal(await connection.sobject('Opportunity').count({ External_Key__c: 'jsforce-1', Amount: 7 }), 1);
  });
  await check('sends several requests in one', async () => {
    const data = `/services/data/v${connection.version}`;
    const { compositeResponse } = await connection.requestPost('/composite', {
      allOrNone: true,
      compositeRequest: [
        { method: 'GET', url: `${data}/query?q=SELECT+Id+FROM+Lead+WHERE+IsConverted=false+LIMIT+1`, referenceId: 'lead' },
        { method: 'POST', url: `${data}/sobjects/Task`, referenceId: 'task', body: { WhoId: '@{lead.records[0].Id}' } },
      ],
    });
    assert.deepEqual(compositeResponse.map((part) => part.httpStatusCode), [200, 201]);
  });
  await check('refreshes a session that ended', async () => {
    let refreshed = 0;
    connection.on('refresh', () => (refreshed += 1));
    connection.accessToken = 'ended';
    assert.ok((await connection.query('SELECT COUNT() FROM Lead')).totalSize > 0);
    assert.equal(refreshed, 1);
  });
  await check('gives its access back', async () => {
    await oauth2.revokeToken(connection.accessToken);
    const ended = new jsforce.Connection({ instanceUrl: connection.instanceUrl, accessToken: connection.accessToken, version: '66.0' });
    await assert.rejects(ended.query('SELECT Id FROM Lead'), { errorCode: 'INVALID_SESSION_ID' });
  });
}

main();
