/** Search in a real OpenSearch: the sets of Postgres, and a program that changes over to it while mail arrives, whatever the engine does. */
import { openSearchIndex, type OpenSearchIndex } from '@tidings/infra/word-index/opensearch';
import type { FoundThread } from '@tidings/contracts/http/mail-search';
import type { ChatRoom, Page } from '@tidings/contracts/http/chat-objects';
import type { FoundMessage } from '@tidings/contracts/http/search';
import { mailSearchContract } from '@tidings/projections/mail-search/testing/contract';
import { indexEngine as mailEngine } from '@tidings/projections/mail-search/testing/index-engine';
import { messageSearchContract } from '@tidings/projections/message-search/testing/contract';
import { indexEngine as messageEngine } from '@tidings/projections/message-search/testing/index-engine';
import { createTransport } from 'nodemailer';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openSearchLacks, type OpenSearchServer, startOpenSearch } from '../kit/opensearch.ts';
import { startProgram, type Program } from '../kit/program.ts';

const lack = await openSearchLacks();
const CLI = join(import.meta.dirname, '../../services/cli/bin/tidings.mjs');
const PATIENT = { timeout: 90_000, interval: 100 };

describe.skipIf(lack !== null)(`search in OpenSearch${lack === null ? '' : ` (${lack})`}`, () => {
  let server: OpenSearchServer;
  let index: OpenSearchIndex;
  let dataDir: string;
  let program: Program;
  beforeAll(async () => {
    server = await startOpenSearch();
    index = openSearchIndex({ url: server.url, prefix: server.prefix, shards: 1, caFile: null });
    dataDir = await mkdtemp(join(tmpdir(), 'tidings-search-'));
    program = await startProgram({ dataDir, env: { LOG_LEVEL: 'fatal' } });
  }, 600_000); // the first run fetches the engine
  afterAll(async () => {
    await program.stop();
    await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    await index.close();
    await server.stop();
  });

  // Opened by the time that anything is asked of it.
  const late: OpenSearchIndex = {
    make: (name) => index.make(name),
    write: (name, changes) => index.write(name, changes),
    settle: (name) => index.settle(name),
    find: (name, question) => index.find(name, question),
    count: (name) => index.count(name),
    remove: (names) => index.remove(names),
    close: () => index.close(),
  };
  mailSearchContract(mailEngine('OpenSearch', late, 3));
  messageSearchContract(messageEngine('OpenSearch', late, 5));

  const env = () => ({ OPENSEARCH_URL: server.url, OPENSEARCH_PREFIX: `${server.prefix}-program`, LOG_LEVEL: 'fatal' });
  const call = async (path: string, method = 'GET', body?: object, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
    fetch(`${program.httpUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await program.token('alice')}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const ask = async <A>(...request: Parameters<typeof call>): Promise<A> => {
    const response = await call(...request);
    expect([request[0], response.status]).toEqual([request[0], 200]);
    return (await response.json()) as A; // the contract of the route
  };
  const send = async (subject: string, text: string): Promise<void> => {
    const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
    await transport.sendMail({ from: 'ann@elsewhere.test', to: 'alice@tidings.test', subject, text });
    transport.close();
  };
  const mails = async (q: string): Promise<readonly string[]> =>
    (await ask<Page<FoundThread>>(`/api/search?q=${encodeURIComponent(q)}`)).content.map(({ thread }) => thread.subject);
  const messages = async (q: string): Promise<number> =>
    (await ask<Page<FoundMessage>>(`/api/messages/search?q=${encodeURIComponent(q)}`)).content.length;
  const shows = (q: string, subjects: readonly string[]): Promise<void> =>
    vi.waitFor(async () => expect([q, await mails(q)]).toEqual([q, subjects]), PATIENT);
  const tidings = async (...args: readonly string[]): Promise<string> =>
    (
      await promisify(execFile)(process.execPath, [CLI, 'projections', ...args], {
        env: { ...process.env, ...env(), DATA_DIR: dataDir, DATABASE_URL: program.databaseUrl },
      })
    ).stdout;
  const inIndexes = (name: string): Promise<number> => withProgramIndex((ofProgram) => ofProgram.count(name));
  const withProgramIndex = async <A>(use: (ofProgram: OpenSearchIndex) => Promise<A>): Promise<A> => {
    const ofProgram = openSearchIndex({ url: server.url, prefix: `${server.prefix}-program`, shards: 1, caFile: null });
    try {
      return await use(ofProgram);
    } finally {
      await ofProgram.close();
    }
  };

  describe('in the running program', () => {
    it('takes over from Postgres what was there before, side by side', async ({ annotate }) => {
      await annotate(`engines: ${server.name}, mail and messages searched in the running program`);
      const people = [await program.token('alice'), await program.token('bob')];
      for (const token of people) await fetch(`${program.httpUrl}/api/me`, { headers: { authorization: `Bearer ${token}` } }); // makes the user
      const room = await ask<ChatRoom>('/api/rooms/create-room', 'POST', {
        roomType: 'Group',
        roomName: 'Market',
        invitedUsers: people.map(own),
      });
      await ask('/api/send-msg', 'POST', { chatRoomId: room.id, msgBody: { text: 'Crème brûlée for all' } });
      await send('Vos factures', 'Les chevaux au marché');
      await send('Invoice', 'We are running a school');
      await shows('facture', ['Vos factures']);
      await program.stop();
      program = await startProgram({ dataDir, env: env() });
      await shows('facture', ['Vos factures']);
      await send('Factuur', 'Een nieuwe factuur, une facture');
      await shows('facture', ['Factuur', 'Vos factures']); // still by Postgres, which goes on
      for (const [name, version] of [
        ['mail-search', 'v102'],
        ['message-search', 'v101'],
      ] as const) {
        await vi.waitFor(async () => expect(await tidings('status', name)).toMatch(new RegExp(`${version} +g1 +ready`)), PATIENT);
        expect(await tidings('cutover', name)).toContain(`_${version}_g1 is live`);
      }
      expect(await inIndexes('mail_search_v102_g1')).toBe(3);
      await shows('facture', ['Factuur', 'Vos factures']);
      await shows('"au marche" from:elsewhere', ['Vos factures']);
      await shows('is:unread (school OR factures) -nieuwe', ['Invoice', 'Vos factures']);
      expect(await messages('creme')).toBe(1);
    });

    it('finds at once what a position was told of', async () => {
      const [room] = await ask<readonly ChatRoom[]>('/api/rooms');
      const sent = await call('/api/send-msg', 'POST', { chatRoomId: room?.id, msgBody: { text: 'Paris-Brest' } });
      const position = sent.headers.get('tidings-position') ?? '';
      expect(position).not.toBe('');
      const found = await call('/api/messages/search?q=brest', 'GET', undefined, { 'tidings-position': position });
      expect(((await found.json()) as Page<FoundMessage>).content).toHaveLength(1);
    });

    it('builds it anew beside the live one, goes back, and leaves nothing behind', async () => {
      const replayed = await tidings('replay', 'mail-search', '--cutover');
      expect(replayed).toMatch(/mail_search_v102_g2 is ready.*equal row by row/);
      expect(await inIndexes('mail_search_v102_g2')).toBe(3);
      await shows('facture', ['Factuur', 'Vos factures']);
      expect(await tidings('rollback', 'mail-search')).toContain('mail_search_v102_g1 is live again');
      await shows('facture', ['Factuur', 'Vos factures']);
      expect(await tidings('rollback', 'mail-search')).toContain('mail_search_v102_g2 is live again');
      expect(await tidings('retire', 'mail-search')).toContain('mail_search_v102_g1');
      await vi.waitFor(() => expect(inIndexes('mail_search_v102_g1')).rejects.toThrow('there is no search index'), PATIENT);
      expect(await inIndexes('mail_search_v102_g2')).toBe(3);
    });

    it('answers 503 while the engine is away, and finds what came meanwhile when it is back', async ({ skip }) => {
      if (server.kill === null) return skip('the engine is not ours to kill');
      await server.kill();
      const refused = await vi.waitFor(async () => {
        const response = await call('/api/search?q=facture');
        expect(response.status).toBe(503);
        return response;
      }, PATIENT);
      expect(refused.headers.get('retry-after')).toBe('1');
      expect(await refused.json()).toMatchObject({
        status: 503,
        errorCode: 'SERVICE_UNAVAILABLE',
        detail: expect.stringContaining('searched'),
      });
      expect((await call('/api/messages/search?q=creme')).status).toBe(503);
      await send('La facture du soir', 'Bonsoir');
      const box = (await ask<{ readonly mailboxes: readonly { readonly id: string }[] }>('/api/me')).mailboxes[0]?.id ?? '';
      await vi.waitFor(async () => {
        const listed = await ask<Page<{ readonly subject: string }>>(`/api/mailboxes/${box}/threads`);
        expect(listed.content.map(({ subject }) => subject)).toContain('La facture du soir');
      }, PATIENT);
      const ready = await (await fetch(`${program.httpUrl}/ready`)).json();
      expect(ready).toMatchObject({ ready: true });
      await program.kill9();
      program = await startProgram({ dataDir, env: env() });
      expect((await call('/api/search?q=facture')).status).toBe(503);
      await server.start();
      await shows('facture', ['La facture du soir', 'Factuur', 'Vos factures']);
      expect(await inIndexes('mail_search_v102_g2')).toBe(4);
      expect(await messages('creme')).toBe(1);
    });
  });
});

const own = (token: string): string => (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }).sub;
