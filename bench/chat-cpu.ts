/** How much processor each process of a running program used: what is left of a figure when the machine's own speed is taken out. Linux only. */
import { readFile, readdir } from 'node:fs/promises';
import pg from 'pg';

/** CPU milliseconds so far, by what the process does. */
export type CpuTimes = ReadonlyMap<string, number>;

/** USER_HZ, which Linux fixes at 100 for everyone. */
const TICK_MS = 10;

interface Process {
  readonly pid: number;
  readonly group: number;
  readonly ms: number;
}

/** Of the supervisor's process group and of the embedded Postgres, whose connections are named by what they serve. */
export const cpuTimes = async (supervisor: number, databaseUrl: string): Promise<CpuTimes> => {
  const [all, names] = await Promise.all([processes(), connectionNames(databaseUrl)]);
  const times = new Map<string, number>();
  const add = (name: string, ms: number): void => void times.set(name, (times.get(name) ?? 0) + ms);
  for (const { pid, group, ms } of all) {
    const connection = names.get(pid);
    if (connection !== undefined) add(`postgres: ${connection}`, ms);
    else if (group === supervisor) add(await roleOf(pid), ms);
  }
  return times;
};

/** What was used between two looks, per message, the largest first; gone connections are left out. */
export const cpuPerMessage = (before: CpuTimes, after: CpuTimes, messages: number): readonly (readonly [string, number])[] =>
  [...after]
    .map(([name, ms]) => [name, (ms - (before.get(name) ?? 0)) / messages] as const)
    .filter(([, ms]) => ms > 0.001)
    .toSorted(([, a], [, b]) => b - a);

const processes = async (): Promise<readonly Process[]> => {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)));
  return found.flatMap((stat) => {
    if (stat === null) return []; // gone meanwhile
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' '); // from the third field of proc(5) on
    return [
      {
        pid: Number.parseInt(stat, 10),
        group: Number(fields[2]),
        ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      },
    ];
  });
};

const connectionNames = async (url: string): Promise<ReadonlyMap<number, string>> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ pid: number; name: string }>(
      `select pid, case when backend_type = 'client backend' then application_name else backend_type end as name from pg_stat_activity`,
    );
    return new Map(rows.map(({ pid, name }) => [pid, name]));
  } finally {
    await client.end();
  }
};

const roleOf = async (pid: number): Promise<string> => {
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return /child\.ts\0(\w+)/.exec(command)?.[1] ?? (command.includes('tidings.mjs') ? 'supervisor' : 'other');
};
