// check_node_marketo_rest.cjs MARKETO_URL: node-marketo-rest reads people, activities, statistics and an export of the simulated Marketo.
const assert = require('node:assert/strict');
const Marketo = require('node-marketo-rest');

const [url] = process.argv.slice(2);
const options = { clientId: 'sandbox-marketo-client', clientSecret: 'sandbox-marketo-secret', retry: { maxRetries: 1, initialDelay: 10, maxDelay: 20 } };
const marketo = new Marketo({ endpoint: `${url}/rest`, identity: `${url}/identity`, ...options });

async function check(name, run) {
  try {
    const result = await run();
    console.log(`check passed: node-marketo-rest, ${name}`);
    return result;
  } catch (error) {
    console.log(error);
    console.log(`check failed: node-marketo-rest, ${name}`);
    process.exit(1);
  }
}

async function main() {
  await check('describes people', async () => {
    const { result } = await marketo.lead.describe();
    assert.ok(result.some((field) => field.rest && field.rest.name === 'sfdcLeadId'));
  });
  await check('finds people', async () => {
    assert.equal((await marketo.lead.byId(1001)).result[0].id, 1001);
    const { result } = await marketo.lead.find('id', [1001, 1002], { fields: ['id', 'email'] });
    assert.deepEqual(result.map((person) => person.id), [1001, 1002]);
  });
  await check('reads activities page by page', async () => {
    const { nextPageToken } = await marketo.lead.getPageToken('2000-01-01');
    let page = await marketo.lead.getActivitiesWithOptions({ activityTypeIds: 12, batchSize: 100, nextPageToken });
    let read = page.result.length;
    while (page.moreResult) {
      page = await page.nextPage();
      read += page.result.length;
    }
    assert.equal(read, 300);
    const some = await marketo.lead.getActivities([1001, 1002], [12, 13], nextPageToken);
    assert.deepEqual(some.result.map((activity) => activity.leadId), [1001, 1002]);
    assert.ok((await marketo.activities.getActivityTypes()).result.some((type) => type.id === 13));
  });
  await check('exports people', async () => {
    const now = new Date();
    const written = (date) => `${date.toISOString().slice(0, 19)}Z`;
    const createdAt = { startAt: written(new Date(now.getTime() - 30 * 86400000)), endAt: written(now) };
    const made = await marketo.bulkLeadExtract.create(['id', 'email'], { createdAt });
    const id = made.result[0].exportId;
    await marketo.bulkLeadExtract.enqueue(id);
    const status = (await marketo.bulkLeadExtract.statusTilCompleted(id)).result[0];
    assert.equal(status.status, 'Completed');
    const rows = (await marketo.bulkLeadExtract.file(id)).trim().split('\n');
    assert.equal(rows.length - 1, status.numberOfRecords);
    assert.equal(rows[0].trim(), 'id,email');
  });
  await check('reads usage and errors', async () => {
    assert.ok((await marketo.stats.usage()).result[0].total > 5);
    assert.equal((await marketo.stats.usageLast7Days()).result.length, 7);
    assert.ok((await marketo.stats.errors()).result[0].total >= 0);
  });
  await check('understands refusals', async () => {
    await assert.rejects(marketo.lead.find('shoeSize', [44]), (error) => error.errors[0].code === '1006');
  });
}

main();
