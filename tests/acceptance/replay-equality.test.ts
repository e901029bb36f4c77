/** The read models are nothing but a reading of the log: thrown away and read again, every answer is the same to the byte. */
import { DEFAULT_PLACE } from '@tidings/infra/blobs/open';
import { DEFAULT_LOG } from '@tidings/infra/event-log/open';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEvents } from '@tidings/contracts/client/sse-parser';
import { startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { projectionsCommand } from '../../services/cli/src/projections/index.ts';
import { projections } from '../../services/projector/src/projections.ts';
import { type Program, startProgram } from '../kit/program.ts';
import { type Sink, startSink } from '../kit/smtp-sink.ts';
import { type History, writeHistory } from './history.ts';
import { gatewaySettings } from './history-gateway.ts';
import { ask, Dice, foundTown, isCaughtUp, type Person, type Town } from './town.ts';

const PEOPLE = 26;
const ACTS = 300;
const SEED = 20_261_120;
const AT_ONCE = 8;

let dataDir: string;
let town: Town;
/** Where mail to others goes. */
let elsewhere: Sink;
let program: Program;
let history: History;
/** What was asked, and what was answered while the read models were the ones that grew with the history. */
let sample: Sample;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-replay-'));
  await chmod(dataDir, 0o711);
  town = await foundTown('Burgher', PEOPLE);
  elsewhere = await startSink();
  await start();
  history = await writeHistory(program, town, SEED, ACTS);
  await caughtUp();
  sample = await takeSample();
}, 300_000);
afterAll(async () => {
  await program.stop();
  await elsewhere.close();
  await town.issuer.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const start = async (): Promise<void> => {
  program = await startProgram({ dataDir, env: { OIDC_ISSUER: town.issuer.url, ...gatewaySettings(elsewhere.port) } });
};
const caughtUp = (): Promise<unknown> =>
  vi.waitFor(async () => expect(await isCaughtUp(program)).toBe(true), { timeout: 60_000, interval: 100 });

/** All that a client sees of an answer. */
interface Seen {
  readonly status: number;
  readonly type: string | null;
  readonly disposition: string | null;
  readonly body: string;
}
interface Question {
  readonly by: Person;
  readonly path: string;
}
interface Sample {
  readonly questions: readonly Question[];
  readonly answers: readonly Seen[];
  readonly streams: readonly (readonly string[])[];
}

const look = async ({ by, path }: Question): Promise<Seen> => {
  const response = await ask(program, by, path);
  const type = response.headers.get('content-type');
  const body = Buffer.from(await response.arrayBuffer()).toString('latin1');
  const disposition = response.headers.get('content-disposition');
  return {
    status: response.status,
    type,
    disposition,
    body: type?.startsWith('application/problem+json') === true ? withoutMoment(body) : body,
  };
};

/** When it was asked and which request it was is all that may differ between two answers of "no". */
const withoutMoment = (problem: string): string => {
  const { timestamp, traceId, ...rest } = JSON.parse(problem) as Record<string, unknown>;
  expect([timestamp, traceId]).toEqual([expect.stringMatching(/^\d{4}-.*Z$/), expect.stringMatching(/^[0-9a-f]{32}$/)]);
  return JSON.stringify(rest);
};

/** `AT_ONCE` side by side, answers in the order of the questions. */
const all = async <A, B>(items: readonly A[], work: (item: A) => Promise<B>): Promise<readonly B[]> => {
  const results: B[] = [];
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [at, item] of queue) results[at] = await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
};

/** Asks everything once; where an answer names a next page, that is asked too. */
const takeSample = async (): Promise<Sample> => {
  const questions: Question[] = [];
  const answers: Seen[] = [];
  let next = firstQuestions();
  while (next.length > 0) {
    const seen = await all(next, look);
    questions.push(...next);
    answers.push(...seen);
    next = next.flatMap((question, at) => nextPage(question, seen[at]));
  }
  return { questions, answers, streams: await listenAll() };
};

const nextPage = ({ by, path }: Question, answer: Seen | undefined): readonly Question[] => {
  const cursor = answer?.status === 200 ? /"cursor":"([^"]+)"/.exec(answer.body)?.[1] : undefined;
  if (cursor === undefined) return [];
  const url = new URL(path, program.httpUrl);
  url.searchParams.set('cursor', cursor);
  return [{ by, path: `${url.pathname}${url.search}` }];
};

const VIEWS = ['inbox', 'all', 'starred', 'sent', 'drafts', 'archive', 'spam', 'trash'];

/** Every read endpoint, by those it is for and by those it is not for, with things that are not there and with nonsense. */
const firstQuestions = (): readonly Question[] => {
  const dice = new Dice(SEED);
  const { people, admin } = town;
  const asEach = (paths: readonly string[], by: readonly Person[]): readonly Question[] =>
    by.flatMap((person) => paths.map((path) => ({ by: person, path })));
  /** Who may, and now and then somebody who may not. */
  const sometimesOther = (reader: Person): readonly Person[] => (dice.below(8) === 0 ? [reader, dice.one(people)] : [reader]);

  const own = [
    '/api/me',
    '/api/rooms',
    '/api/rooms?limit=5',
    '/api/rooms?name=1',
    '/api/rooms/share-targets?limit=4',
    '/api/messages/search?q=it%20goes%20-about&limit=40',
    '/api/users/friends',
    '/api/users/friends?limit=2',
    '/api/users/friends/requests',
    '/api/search?q=letter%20OR%20story',
    '/api/notifications',
    '/api/mail-notifications',
    '/api/domains',
  ];
  const more = [
    '/api/users/search?username=burgher%201',
    '/api/mailboxes',
    '/api/admin/webhooks',
    '/api/admin/reports?limit=3',
    '/api/admin/users?limit=7',
  ];
  const wrong = ['/api/rooms?limit=0', '/api/rooms?cursor=nonsense', '/api/rooms/not-an-id', '/api/nothing', `/api/users/${SEED}`];
  const rooms = history.rooms.flatMap(({ id, members }) => {
    const said = history.messages.filter(({ room }) => room === id);
    const one = said.length > 0 ? dice.one(said) : null;
    const path = `/api/rooms/${id}`;
    const views = [
      path,
      `/api/messages/search?q=about&roomId=${id}`,
      `${path}/detailed`,
      `${path}/users`,
      `${path}/timeline`,
      `${path}/timeline?limit=4`,
      `${path}/read-states`,
      `${path}/image`,
      `${path}/pins`,
      `${path}/mail-notifications`,
      `/gateway/mappings?threadId=${id}`,
      `/gateway/held?threadId=${id}`,
    ];
    const whole = [`/api/admin/rooms/${id}`, `/api/admin/rooms/${id}/timeline`, `/api/admin/rooms/${id}/timeline?limit=3`];
    const near =
      one === null ? [] : [`before=${one.id}`, `after=${one.id}`, `timestamp=${one.createdAt}`].map((query) => `${path}/timeline?${query}`);
    const about = dice
      .some(2, said)
      .flatMap((message) =>
        ['', '/reactions', '/receipts', '/thread', '/thread?limit=1', '/mails'].map((rest) => `${path}/messages/${message.id}${rest}`),
      );
    return [...asEach([...views, ...near, ...about], sometimesOther(dice.one(members))), ...asEach(whole, [admin])];
  });
  const files = history.files.flatMap((path) => asEach([path], dice.some(5, people)));
  const pairs = people.flatMap((by) =>
    dice.some(3, people).flatMap(({ id }) => asEach([`/api/users/${id}`, `/api/rooms/search?withUser=${id}`], [by])),
  );
  const mailboxes = history.mailboxes.flatMap(({ id, reader }) => {
    const path = `/api/mailboxes/${id}`;
    const lists = VIEWS.map((view) => `${path}/threads?view=${view}`);
    const pages = [`${path}/threads?view=all&limit=4`, `${path}/threads?unread=true`, `${path}/threads?unread=false&limit=3`];
    const written = [`${path}/drafts`, `${path}/drafts?limit=1`, `${path}/templates`, `${path}/signatures`];
    const answers = [`${path}/autoreply`, `${path}/receipts`];
    const kept = ['labels', 'contacts', 'contacts?limit=3', 'storage', 'imports', 'export', 'blocked-senders'].map(
      (rest) => `${path}/${rest}`,
    );
    const found = ['from:friend', 'roof -well', 'is:unread in:inbox', 'label:works OR is:starred'].map(
      (query) => `/api/search?mailboxId=${id}&limit=100&q=${encodeURIComponent(query)}`,
    );
    const shown = [path, `${path}/counts`, `${path}/threads?view=all`];
    return [
      ...asEach(
        [...shown, ...written, ...answers, ...kept, ...found, `${path}/members`, `${path}/members?limit=2`, ...lists, ...pages],
        [reader],
      ),
      ...asEach(shown, [dice.one(people)]),
    ];
  });
  const imports = history.imports.flatMap(({ id, reader }) => asEach([`/api/imports/${id}`], [reader, dice.one(people)]));
  const threads = dice.some(36, history.threads).flatMap(({ id, reader }) =>
    asEach(
      ['', '/messages', '/messages?limit=1', '/messages?view=trash', '/timeline'].map((rest) => `/api/threads/${id}${rest}`),
      sometimesOther(reader),
    ),
  );
  const emails = dice.some(36, history.emails).flatMap(({ id, reader }) =>
    asEach(
      ['', '/raw', '/parts/1', '/parts/2', '/deliveries'].map((rest) => `/api/emails/${id}${rest}`),
      sometimesOther(reader),
    ),
  );
  return [
    ...asEach([...own, ...more], [admin, ...people.slice(1).filter((_, nth) => nth % 3 === 0)]),
    ...asEach(wrong, [admin]),
    ...rooms,
    ...files,
    ...pairs,
    ...mailboxes,
    ...imports,
    ...threads,
    ...emails,
  ];
};

/** All that the live stream ever told each of them, and for each the rest behind a place in the middle. */
const listenAll = async (): Promise<readonly (readonly string[])[]> => {
  const people = town.people.filter((person) => person !== history.erased);
  const whole = await all(people, (person) => listen(person, '0000000000000000'));
  const rests = await all([...people.entries()], async ([at, person]) => {
    const events = whole[at] ?? [];
    const middle = Math.floor(events.length / 2);
    const rest = await listen(person, events[middle - 1]?.split(' ', 1)[0] ?? '');
    expect(rest).toEqual(events.slice(middle));
    return rest;
  });
  return [...whole, ...rests];
};

/** Id and data of each event behind `after`, up to the history's last. */
const listen = async (person: Person, after: string): Promise<readonly string[]> => {
  const stop = new AbortController();
  const response = await fetch(new URL('/api/sse', program.httpUrl), {
    headers: { authorization: `Bearer ${person.token}`, 'last-event-id': after },
    signal: AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)]),
  });
  expect(response.status).toBe(200);
  const events: string[] = [];
  for await (const { id, data } of parseEvents(response.body ?? new ReadableStream())) {
    if (data === null) continue;
    events.push(`${id} ${data}`);
    if (data.includes(history.last.messageId)) break;
  }
  stop.abort();
  return events;
};

const firstDifference = (was = '', is = ''): { readonly was: string; readonly is: string } => {
  const at = [...was].findIndex((letter, index) => letter !== is[index]);
  const around = (text: string): string => text.slice(Math.max(0, at - 200), at + 200);
  return { was: around(was), is: around(is) };
};

const expectTheSame = async (): Promise<void> => {
  const again = await all(sample.questions, look);
  const other = sample.questions.flatMap(({ by, path }, at) => {
    const [was, is] = [sample.answers[at], again[at]];
    return JSON.stringify(was) === JSON.stringify(is)
      ? []
      : [{ by: by.name, path, ...firstDifference(JSON.stringify(was), JSON.stringify(is)) }];
  });
  expect(other.slice(0, 20), `${other.length} of ${again.length} answers differ`).toEqual([]);
  const streams = await listenAll();
  for (const [at, events] of streams.entries()) expect([at, events]).toEqual([at, sample.streams[at]]);
};

const withDatabase = async <A>(url: string, work: (client: pg.Client) => Promise<A>): Promise<A> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
};
const logEnd = async (client: pg.Client): Promise<unknown> => (await client.query('select * from log.shard_head order by shard')).rows;

describe('the answers to a sample of requests', () => {
  it('are many, of every kind', async ({ annotate }) => {
    const byStatus = Map.groupBy(sample.answers, ({ status }) => status);
    const counted = [...byStatus].map(([status, some]) => `${some.length} × ${status}`).sort();
    const told = sample.streams.reduce((sum, events) => sum + events.length, 0);
    await annotate(`replay equality: ${sample.questions.length} requests (${counted.join(', ')}), ${told} events of live streams`);
    expect(sample.questions.length).toBeGreaterThan(1_000);
    expect([...byStatus.keys()].sort()).toEqual([200, 400, 403, 404]);
    expect(byStatus.get(200)?.length).toBeGreaterThan(1_000);
    expect(history.emails.length).toBeGreaterThan(60);
    expect(history.imports.length).toBeGreaterThan(3);
    expect(told).toBeGreaterThan(2_000);
  });

  it('are the same after every read model was deleted and built again from the log', async () => {
    await program.stop();
    const postgres = await startEmbeddedPostgres({ dataDir: join(dataDir, 'postgres'), logger: pino({ level: 'silent' }) });
    const before = await withDatabase(postgres.url, async (client) => {
      const { rows } = await client.query<{ schema_name: string }>('select schema_name from projection.instance');
      expect(rows.length).toBeGreaterThanOrEqual(projections.length);
      // Registry, checkpoints, and what filing remembers: all of it is a reading of the log.
      for (const schema of [...rows.map(({ schema_name }) => schema_name), 'projection', 'filing'])
        await client.query(`drop schema ${client.escapeIdentifier(schema)} cascade`);
      return logEnd(client);
    });
    await postgres.stop();
    await start();
    await caughtUp();
    await expectTheSame();
    // Filing has gone through all mail again, and found it all filed.
    expect(await withDatabase(program.databaseUrl, logEnd)).toEqual(before);
  });

  it('are the same after each projection was replayed beside the live one and cut over', async () => {
    const databaseUrl = program.databaseUrl;
    await Promise.all(
      projections.map(async ({ name }) => {
        let said = '';
        const context = {
          databaseUrl,
          blobs: DEFAULT_PLACE,
          eventLog: DEFAULT_LOG,
          stdout: { write: (text: string) => void (said += text) },
        };
        // What was live is dropped, so that nothing can be read from it any more.
        for (const command of ['replay', 'cutover', 'retire'])
          expect([name, command, await projectionsCommand([command, name], context), said]).toEqual([name, command, 0, said]);
      }),
    );
    await caughtUp();
    await expectTheSame();
  });
});
