// server.mjs OPTIONS: an SMTP server on a port of 127.0.0.1 that does as it is told. OPTIONS is JSON: `port` (any free one unless given),
// `user` and `password` (nobody else may send then), `cert` and `key` (files; STARTTLS is offered then), `secure` (TLS from the start).
// Standard output has a line of JSON for each event: `listening`, `connected`, `received`. Standard input takes lines of JSON with what to
// do at the next steps, first come first: {"connect": […], "recipient": […], "message": […]}, each of them
// {"answer": "451 4.7.1 …"}, {"delay": MILLISECONDS}, or {"drop": true}, which breaks the connection after the step.
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import PostalMime from 'postal-mime';
import { SMTPServer } from 'smtp-server';

const options = JSON.parse(process.argv[2] ?? '{}');
const script = { connect: [], recipient: [], message: [] };
const tell = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);

createInterface({ input: process.stdin })
  .on('line', (line) => {
    for (const [step, acts] of Object.entries(JSON.parse(line))) script[step].push(...acts);
    tell({ event: 'told' });
  })
  // Whoever started this has gone.
  .on('close', () => process.exit(0));

// Does what the script says at a step, then goes on.
function act(step, session, done) {
  const { answer, delay = 0, drop } = script[step].shift() ?? {};
  setTimeout(() => {
    if (drop) {
      for (const connection of server.connections) if (connection.session.id === session.id) connection._socket.destroy();
    } else if (answer) {
      const [, code, text] = /^(\d{3}) (.*)$/.exec(answer);
      done(Object.assign(new Error(text), { responseCode: Number(code) }));
    } else {
      done();
    }
  }, delay);
}

const server = new SMTPServer({
  secure: options.secure ?? false,
  ...(options.key ? { key: readFileSync(options.key), cert: readFileSync(options.cert) } : {}),
  disabledCommands: [...(options.key ? [] : ['STARTTLS']), ...(options.user ? [] : ['AUTH'])],
  allowInsecureAuth: false,
  logger: false,
  // Names of clients are not looked up.
  disableReverseLookup: true,
  closeTimeout: 100,
  onConnect(session, done) {
    tell({ event: 'connected' });
    act('connect', session, done);
  },
  onAuth({ username, password }, _session, done) {
    const right = username === options.user && password === options.password;
    done(right ? null : Object.assign(new Error('5.7.8 wrong credentials'), { responseCode: 535 }), right ? { user: username } : undefined);
  },
  onRcptTo(_address, session, done) {
    act('recipient', session, done);
  },
  onData(stream, session, done) {
    const parts = [];
    stream.on('data', (part) => parts.push(part));
    stream.on('end', async () => {
      const raw = Buffer.concat(parts);
      const { subject, text, html, messageId, headers } = await PostalMime.parse(raw);
      const { envelope, user, secure } = session;
      tell({
        event: 'received',
        from: envelope.mailFrom.address,
        to: envelope.rcptTo.map((recipient) => recipient.address),
        user,
        secure,
        subject,
        text,
        html,
        message_id: messageId,
        headers: Object.fromEntries(headers.map(({ key, value }) => [key, value])),
      });
      act('message', session, done);
    });
  },
});
server.on('error', () => {});
server.listen(options.port ?? 0, '127.0.0.1', () => tell({ event: 'listening', port: server.server.address().port }));
