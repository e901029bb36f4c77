/** Many people of one issuer beside a running program: tokens that outlive its restarts, and requests in their names. */
import { createHash } from 'node:crypto';
import pg from 'pg';
import type { Program } from '../kit/program.ts';
import { startIssuer, type TestIssuer } from '../kit/issuer.ts';

export interface Person {
  readonly id: string;
  readonly name: string;
  /** Has a personal mailbox when it is in a domain of ours. */
  readonly email: string;
  readonly token: string;
}

export interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The longest anybody may wait for an answer. */
  readonly withinMs?: number;
}

export interface Town {
  /** For `OIDC_ISSUER`. */
  readonly issuer: TestIssuer;
  readonly people: readonly Person[];
  /** May open mailboxes; the first of the people. */
  readonly admin: Person;
}

/** Names and ids follow from `name` and the number, so that two runs have the same people. */
export const foundTown = async (name: string, size: number, domain = 'tidings.test', known?: TestIssuer): Promise<Town> => {
  const issuer = known ?? (await startIssuer());
  const people = await Promise.all(
    Array.from({ length: size }, async (_, n): Promise<Person> => {
      const number = String(n + 1).padStart(2, '0');
      const person = { id: uuidOf(`${name} ${number}`), name: `${name} ${number}`, email: `${name.toLowerCase()}${number}@${domain}` };
      const roles = n === 0 ? ['tidings-admin'] : [];
      return { ...person, token: await issuer.token({ sub: person.id, name: person.name, email: person.email, roles }) };
    }),
  );
  const [admin] = people;
  if (admin === undefined) throw new Error('a town has people');
  return { issuer, people, admin };
};

/** Version 4 by its looks, the same for the same text. */
export const uuidOf = (text: string): string => {
  const digits = createHash('sha256').update(text).digest('hex');
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-a${digits.slice(17, 20)}-${digits.slice(20, 32)}`;
};

/** One request in somebody's name (null: in nobody's). */
export const ask = (program: Pick<Program, 'httpUrl'>, person: Person | null, path: string, asked: Asked = {}): Promise<Response> => {
  const { method = asked.body === undefined ? 'GET' : 'POST', body, headers = {}, withinMs = 30_000 } = asked;
  return fetch(new URL(path, program.httpUrl), {
    method,
    headers: {
      ...(person === null ? {} : { authorization: `Bearer ${person.token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(withinMs),
  });
};

/** The JSON of a 200. @throws with what was answered instead */
export const askJson = async <A>(program: Pick<Program, 'httpUrl'>, person: Person, path: string, asked: Asked = {}): Promise<A> => {
  const response = await ask(program, person, path, asked);
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${asked.method ?? ''} ${path} answered ${response.status}: ${text}`);
  return (text === '' ? undefined : JSON.parse(text)) as A; // the contract of the route, which the tests of the API check
};

/** Whether everything runs, every mail that was taken is filed (or waits for a checker), and every projection is where the log ends. */
export const isCaughtUp = async (program: Pick<Program, 'httpUrl' | 'databaseUrl'>): Promise<boolean> => {
  // First, as filing appends. What `/ready` says of filing is up to two seconds old.
  if (await isMailUnderWay(program.databaseUrl)) return false;
  const response = await fetch(new URL('/ready', program.httpUrl)).catch(() => null);
  if (response?.status !== 200) return false;
  const { services, projections } = (await response.json()) as {
    readonly services: readonly { readonly name: string; readonly state: string }[];
    readonly projections: readonly { readonly state: string; readonly lag: number | null }[];
  };
  // On the node that owns it.
  const filed = services.some(({ name, state }) => name === 'filing' && state === 'idle');
  return filed && projections.length > 0 && projections.every(({ lag }) => lag === 0);
};

/** Mail that is not filed yet; and mail for the gateway that is not settled, or whose read model does not know it. */
const isMailUnderWay = async (databaseUrl: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined); // the query says it too
  try {
    await client.connect();
    const { rows } = await client.query<{ is: boolean }>(
      `select exists (select from log.event where type = 'EmailReceived' and position >
           (select coalesce(min(position), '0')::bigint from projection.checkpoint where name = 'filing'))
         or exists (select from log.event taken where type in ('GatewayMailReceived', 'HeldMailConfirmed') and not exists (
           select from log.event done where done.stream_id = taken.stream_id and done.revision > taken.revision and done.type = 'GatewayMailSettled'))
         or exists (select from log.event where type = 'GatewayMailSettled' and position >
           (select coalesce(min(position), '0')::bigint from projection.checkpoint where name like 'gateway_mails%')) as "is"`,
    );
    return rows[0]?.is !== false;
  } catch {
    return true; // not there just now: not caught up either
  } finally {
    await client.end().catch(() => undefined);
  }
};

/** Small, seeded, good enough to choose with (mulberry32). */
export class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  /** 0 ≤ n < `sides`, whole. */
  below(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides;
  }
  one<A>(items: readonly A[]): A {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  }
  /** Different ones, as many as there are at most. */
  some<A>(count: number, items: readonly A[]): readonly A[] {
    const left = [...items];
    return Array.from({ length: Math.min(count, left.length) }, () => left.splice(this.below(left.length), 1)).flat();
  }
}
