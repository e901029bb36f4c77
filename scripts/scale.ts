/**
 * `npm run scale [-- users …]`: the tables of docs/scale.md, reckoned from docs/figures/costs.json; for other numbers of users, too.
 */
import { type Costs, type MessageCosts, readCosts } from '../bench/costs-file.ts';
import { ASSUMPTIONS, type Assumptions, busiest, p99InServiceTimes, type Plan, planFor, sum, TELL, usersUntil } from './scale-model.ts';

export const FIGURES = 'docs/figures';
export const USERS: readonly number[] = [1_000, 100_000, 10_000_000];

export interface ScaleTables {
  readonly assumptions: string;
  readonly processor: string;
  readonly readModels: string;
  readonly bytes: string;
  readonly plans: string;
  readonly takeovers: string;
  readonly queues: string;
}

export const scaleTables = (costs: Costs, users: readonly number[] = USERS, assumed: Assumptions = ASSUMPTIONS): ScaleTables => ({
  assumptions: assumptionsTable(assumed),
  processor: kindsTable('processor ms', costs, ({ cpuMs }) => cpuMs, fine),
  bytes: kindsTable('bytes', costs, ({ bytes }) => bytes, whole),
  readModels: kindsTable('read model, processor ms', costs, (kind) => mapped(kind.readModels, ({ cpuMs }) => cpuMs), fine, 12),
  plans: plansTable(
    users.map((count) => planFor(count, costs, assumed)),
    assumed,
  ),
  takeovers: takeoversTable(costs, assumed),
  queues: queuesTable(),
});

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const fine = (value: number): string =>
  value === 0 ? '0' : value < 0.1 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value.toFixed(1);
/** Two digits: a plan knows no more. */
const rough = (value: number): string =>
  value === 0 ? '0' : Number(value.toPrecision(2)).toLocaleString('en-US', { maximumSignificantDigits: 2 });
const mapped = <A>(parts: Readonly<Record<string, A>>, of: (part: A) => number): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, of(part)]));

const assumptionsTable = (assumed: Assumptions): string =>
  table(
    ['assumption', ''],
    [
      ['chat messages a user writes in a day', whole(assumed.chatMessages)],
      ['mails a user gets, and sends, in a day', `${assumed.mailsIn}, ${assumed.mailsOut}`],
      ['the busiest second over the mean of the day', `${assumed.peak}×`],
      ['members of the room a message is said in', whole(assumed.members)],
      ['users with live streams open at the peak, and streams each', `${assumed.online * 100} %, ${assumed.devices}`],
      ['planned share of a processor, a log, an owner', `${assumed.utilisation * 100} %`],
      ['a machine', `${assumed.coresPerMachine} cores like the measured ones, ${assumed.memoryGigabytes} GB`],
      ['kept for', `${assumed.keptDays} days`],
    ],
  );

const kindsTable = (
  what: string,
  { chat, mailIn, mailOut }: Costs,
  of: (kind: MessageCosts) => Readonly<Record<string, number>>,
  shown: (value: number) => string,
  most = Number.POSITIVE_INFINITY,
): string => {
  const columns = [chat, mailIn, mailOut].map(of);
  const total = (name: string): number => columns.reduce((all, column) => all + (column[name] ?? 0), 0);
  const names = [...new Set(columns.flatMap(Object.keys))].toSorted((a, b) => total(b) - total(a)).slice(0, most);
  return table(
    [what, 'chat message', 'mail in', 'mail out'],
    names.map((name) => [name, ...columns.map((column) => shown(column[name] ?? 0))]),
  );
};

const plansTable = (plans: readonly Plan[], { utilisation, keptDays }: Assumptions): string => {
  const row = (name: string, of: (plan: Plan) => number): readonly string[] => [name, ...plans.map((plan) => rough(of(plan)))];
  const stages = [...new Set(plans.flatMap(({ busyCores }) => [...busyCores.keys()]))];
  const places = [...new Set(plans.flatMap(({ gigabytes }) => [...gigabytes.keys()]))];
  const last = plans.at(-1);
  const byNeed = (a: string, b: string): number => (last?.busyCores.get(b) ?? 0) - (last?.busyCores.get(a) ?? 0);
  return table(
    ['at the peak', ...plans.map(({ users }) => `${whole(users)} users`)],
    [
      row('chat messages a second', ({ rates }) => rates.chat),
      row('mails in a second', ({ rates }) => rates.mailIn),
      row('mails out a second', ({ rates }) => rates.mailOut),
      row('events into the log a second', ({ rates }) => rates.events),
      row('live events told a second', ({ rates }) => rates.told),
      row('live streams open', ({ streams }) => streams),
      row('… GB of memory', ({ streamGigabytes }) => streamGigabytes),
      ...stages.toSorted(byNeed).map((stage) => row(`cores: ${stage}`, ({ busyCores }) => (busyCores.get(stage) ?? 0) / utilisation)),
      row('**cores, all**', ({ busyCores }) => sum(busyCores) / utilisation),
      row('**machines**', ({ machines }) => machines),
      ...places.map((place) => row(`GB after ${keptDays} days: ${place}`, ({ gigabytes }) => gigabytes.get(place) ?? 0)),
    ],
  );
};

interface Takeover {
  readonly what: string;
  readonly limit: string;
  readonly reached: (plan: Plan) => boolean;
  readonly instead: string;
}

const BLOB_GIGABYTES = 1_000;
/** What is asked for is mostly recent: an index may be so many times the memory. */
const INDEX_MEMORIES = 8;
const takeoversOf = ({ limits }: Costs, { utilisation, coresPerMachine, memoryGigabytes }: Assumptions): readonly Takeover[] => {
  const projecting = ({ busyCores }: Plan): number => (busyCores.get('project') ?? 0) / utilisation;
  const busy =
    (stage: string) =>
    ({ busyCores }: Plan): boolean =>
      (busyCores.get(stage) ?? 0) >= utilisation;
  return [
    {
      what: 'requests and mail coming in, one process',
      limit: 'half a core',
      reached: busy('accept'),
      instead: 'more API and SMTP nodes behind a balancer',
    },
    {
      what: 'all read models, one projector process',
      limit: 'half a core',
      reached: busy('project'),
      instead: 'a second projector node: they share the read models',
    },
    { what: 'filing, its one owner', limit: 'half a core', reached: busy('file'), instead: 'shards of the log, an owner each (see below)' },
    {
      what: 'sending, its one owner',
      limit: 'half a core',
      reached: busy('send'),
      instead: 'shards of the log, an owner each (see below)',
    },
    {
      what: 'everything on one machine',
      limit: `${coresPerMachine} cores at ${utilisation * 100} %`,
      reached: ({ machines }) => machines > 1,
      instead: 'Postgres on a machine of its own, nodes beside it',
    },
    {
      what: 'bytes of mail and files in Postgres',
      limit: `${whole(BLOB_GIGABYTES)} GB`,
      reached: ({ gigabytes }) => (gigabytes.get('blobs') ?? 0) >= BLOB_GIGABYTES,
      instead: 'S3',
    },
    {
      what: 'search by Postgres, whose index has to stay near memory',
      limit: `${whole(INDEX_MEMORIES * memoryGigabytes)} GB`,
      reached: ({ gigabytes }) => (gigabytes.get('search') ?? 0) >= INDEX_MEMORIES * memoryGigabytes,
      instead: 'OpenSearch, whose index is spread over machines',
    },
    {
      what: 'the busiest read model, one owner',
      limit: 'half a core',
      reached: ({ busyReadModels }) => busiest(busyReadModels)[1] >= utilisation,
      instead: 'shards of the log, an owner each (see below)',
    },
    {
      what: 'telling live streams, one process',
      limit: 'half a core',
      reached: busy(TELL),
      instead: 'more API nodes: each tells its own streams',
    },
    {
      what: 'one log in Postgres',
      limit: `${whole(limits.append * utilisation)} events a second`,
      reached: ({ rates }) => rates.events >= limits.append * utilisation,
      instead: 'a Postgres of its own, then a KurrentDB cluster, or shards (see below)',
    },
    {
      what: 'projector processes that read the log each by itself',
      limit: `${whole(limits.read * utilisation)} events read a second, all together`,
      reached: (plan) => projecting(plan) * plan.rates.events >= limits.read * utilisation,
      instead: 'Kafka: the log is read once, and heard from there',
    },
  ];
};

const takeoversTable = (costs: Costs, assumed: Assumptions): string =>
  table(
    ['what', 'users', 'limit', 'then'],
    takeoversOf(costs, assumed)
      .map((takeover) => ({ ...takeover, users: usersUntil((users) => takeover.reached(planFor(users, costs, assumed))) }))
      .toSorted((a, b) => (a.users ?? Number.POSITIVE_INFINITY) - (b.users ?? Number.POSITIVE_INFINITY))
      .map(({ what, users, limit, instead }) => [what, users === null ? 'never' : whole(users), limit, instead]),
  );

const queuesTable = (): string =>
  table(
    ['share of its time that an owner works', 'p99, in times of one piece of work'],
    [0.3, 0.5, 0.7, 0.8, 0.9, 0.95].map((utilisation) => [`${utilisation * 100} %`, p99InServiceTimes(utilisation).toFixed(0)]),
  );

const main = async (): Promise<void> => {
  const users = process.argv.slice(2).map((text) => Number(text.replaceAll(/[_,]/g, '')));
  if (users.some((count) => !Number.isInteger(count) || count < 1)) {
    process.stderr.write('each argument is a number of users, as 250000\n');
    process.exitCode = 2;
    return;
  }
  const tables = scaleTables(await readCosts(FIGURES), users.length === 0 ? USERS : users);
  process.stdout.write(`${Object.values(tables).join('\n\n')}\n`);
};

if (import.meta.main) await main();
