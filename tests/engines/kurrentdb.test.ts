/**
 * KurrentDB keeps the log. The contract runs on a real one where there is one; the whole program runs on it too, and else on a server that speaks its
 * wire protocol, which is not KurrentDB and says so.
 */
import { openKurrentLog } from '@tidings/infra/event-log/kurrentdb/kurrentdb-log';
import { createTransport } from 'nodemailer';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { eventLogContract } from '../../infra/src/event-log/contract.ts';
import { KurrentProtocolServer } from '../kit/kurrentdb-protocol.ts';
import { asIfEmpty, kurrentLacks, type KurrentServer, startKurrent } from '../kit/kurrentdb.ts';
import { startProgram, type Program } from '../kit/program.ts';

const lack = await kurrentLacks();

describe.skipIf(lack !== null)(`KurrentDB${lack === null ? '' : ` (${lack})`}`, () => {
  let server: KurrentServer;
  beforeAll(async () => {
    server = await startKurrent();
  }, 240_000);
  afterAll(() => server.stop());
  eventLogContract(
    'a real one',
    async ({ queueLimit }) => {
      const log = await openKurrentLog({ url: server.url, ...(queueLimit === undefined ? {} : { queueLimit }) });
      return { log: await asIfEmpty(log), close: () => log.close() };
    },
    { sharded: false },
  );
});

// What lets the contract run again and again on one server is tried where there is none.
describe('a log that looks empty', () => {
  const protocol = new KurrentProtocolServer();
  beforeAll(() => protocol.listen());
  afterAll(() => protocol.stop());
  eventLogContract(
    'the wire protocol of KurrentDB, one server for all',
    async ({ queueLimit }) => {
      const log = await openKurrentLog({ url: protocol.url, ...(queueLimit === undefined ? {} : { queueLimit }) });
      return { log: await asIfEmpty(log), close: () => log.close() };
    },
    { sharded: false },
  );
});

describe('the program on KurrentDB', () => {
  let server: { readonly url: string; readonly name: string; readonly stop: () => Promise<void> };
  let program: Program;
  beforeAll(async () => {
    if (lack === null) server = await startKurrent();
    else {
      const protocol = new KurrentProtocolServer();
      await protocol.listen();
      const name = `the wire protocol of KurrentDB, not the server (${lack})`;
      server = { url: protocol.url, name, stop: () => Promise.resolve(protocol.stop()) };
    }
    program = await startProgram({ ownPostgres: true, env: { EVENT_LOG: 'kurrentdb', KURRENTDB_URL: server.url, LOG_LEVEL: 'error' } });
  }, 240_000);
  afterAll(async () => {
    await program.stop();
    await rm(program.dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    await server.stop();
  });

  const send = async (subject: string): Promise<string> => {
    const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
    const { response } = await transport.sendMail({ from: 'ann@elsewhere.test', to: 'alice@tidings.test', subject, text: 'Dear Alice' });
    transport.close();
    return /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
  };
  const subject = async (id: string): Promise<unknown> => {
    const headers = { authorization: `Bearer ${await program.token('alice')}` };
    const answer = await fetch(`${program.httpUrl}/api/emails/${id}`, { headers });
    return answer.status === 200 ? ((await answer.json()) as { subject: string }).subject : answer.status;
  };

  it('takes mail, files it and shows it, also after a kill', async ({ annotate }) => {
    await annotate(`engines: ${server.name}`);
    const first = await send('before the kill');
    await vi.waitFor(async () => expect(await subject(first)).toBe('before the kill'), { timeout: 30_000, interval: 50 });
    const { dataDir } = program;
    const second = await send('just accepted');
    await program.kill9();
    program = await startProgram({ env: { EVENT_LOG: 'kurrentdb', KURRENTDB_URL: server.url, LOG_LEVEL: 'error' }, dataDir });
    await vi.waitFor(async () => expect(await subject(second)).toBe('just accepted'), { timeout: 30_000, interval: 50 });
    expect(await subject(first)).toBe('before the kill');
  });
});
