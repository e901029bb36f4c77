/** The load generator of the chat bench, a process of its own so that its work does not delay what it measures. */
import { request } from 'node:http';
import { Pool } from 'undici';
import { type CpuTimes, cpuTimes } from './chat-cpu.ts';
import { percentile, sortedCopy } from './harness.ts';

export interface ChatLoad {
  readonly url: string;
  readonly users: readonly { readonly id: string; readonly token: string }[];
  readonly rate: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Of an earlier load by the same people, in place of new ones. */
  readonly rooms?: readonly string[];
  /** Live streams of each person; one unless said. With none, nothing is delivered. */
  readonly streamsEach?: number;
  /** Looks at the processor time of this program as the first message leaves and as the last is there. */
  readonly watch?: { readonly supervisor: number; readonly databaseUrl: string };
}

export interface Latency {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

export interface ChatResult {
  readonly sse: Latency;
  readonly post: Latency;
  readonly delivered: number;
  readonly expected: number;
  readonly failed: number;
  readonly rate: number;
  /** Answered with success, a second. */
  readonly accepted: number;
  readonly rooms: readonly string[];
  /** Between the two looks of `watch`. */
  readonly looks: { readonly before: CpuTimes; readonly after: CpuTimes } | null;
}

const MARK = /"msgBody":{"text":"bench (\d+) /g;

const latency = (samples: readonly number[]): Latency => {
  const sorted = sortedCopy(samples);
  return { p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95), p99: percentile(sorted, 0.99) };
};

const run = async (load: ChatLoad): Promise<ChatResult> => {
  // A request that waited here for a connection would not leave on schedule; more at once would overflow the server's backlog.
  const pool = new Pool(load.url, { connections: 500, pipelining: 1 });
  const call = async (
    method: 'GET' | 'POST',
    path: string,
    token: string,
    content?: unknown,
  ): Promise<{ status: number; text: string }> => {
    const { statusCode, body } = await pool.request({
      ...{ method, path },
      headers: { authorization: `Bearer ${token}`, ...(content === undefined ? {} : { 'content-type': 'application/json' }) },
      body: content === undefined ? null : JSON.stringify(content),
    });
    return { status: statusCode, text: await body.text() };
  };

  // Every user is known before a room names them.
  for (const user of load.users) await call('GET', '/api/rooms', user.token);
  const rooms: string[] = [...(load.rooms ?? [])];
  for (let index = rooms.length * 2; index + 1 < load.users.length; index += 2) {
    const [a, b] = [load.users[index], load.users[index + 1]];
    if (a === undefined || b === undefined) break;
    const created = await call('POST', '/api/rooms/create-room', a.token, { roomType: 'Single', invitedUsers: [a.id, b.id] });
    if (created.status !== 200) throw new Error(`create-room answered ${created.status}: ${created.text}`);
    rooms.push((JSON.parse(created.text) as { id: string }).id);
  }

  const { streamsEach = 1 } = load;
  const copies = 2 * streamsEach;
  const listeners = load.users.flatMap((user) => Array.from({ length: streamsEach }, () => user));
  const total = load.rate * (load.seconds + load.warmupSeconds);
  const skipped = load.rate * load.warmupSeconds;
  const received = new Uint8Array(total);
  const sse: number[] = [];
  const post: number[] = [];
  let delivered = 0;
  let failed = 0;
  let start = Number.POSITIVE_INFINITY;
  const intended = (index: number): number => start + (index * 1000) / load.rate;

  const streams = await Promise.all(
    listeners.map(
      (user) =>
        new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
          const outgoing = request(
            new URL('/api/sse', load.url),
            { agent: false, headers: { authorization: `Bearer ${user.token}` } },
            (response) => {
              if (response.statusCode !== 200) {
                response.resume();
                reject(new Error(`sse answered ${response.statusCode}`));
                return;
              }
              let rest = '';
              response.setEncoding('utf8');
              response.on('data', (chunk: string) => {
                const now = performance.now();
                const text = rest + chunk;
                const end = text.lastIndexOf('\n\n');
                rest = end < 0 ? text : text.slice(end + 2);
                if (end < 0) return;
                for (const match of text.slice(0, end).matchAll(MARK)) {
                  const index = Number(match[1]);
                  const count = (received[index] ?? 0) + 1;
                  received[index] = count;
                  if (index < skipped) continue;
                  delivered++;
                  if (count === copies) sse.push(now - intended(index)); // the last of the room's two members has it
                }
              });
              response.on('error', () => undefined);
              resolve(response);
            },
          );
          outgoing.on('error', reject);
          outgoing.end();
        }),
    ),
  );

  const look = async (): Promise<CpuTimes> =>
    load.watch === undefined ? new Map() : cpuTimes(load.watch.supervisor, load.watch.databaseUrl);
  const before = await look();
  start = performance.now() + 500;
  let sent = 0;
  let answered = 0;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(total, Math.floor(((performance.now() - start) * load.rate) / 1000));
      for (; sent < due; sent++) {
        const index = sent;
        const roomIndex = index % rooms.length;
        const sender = load.users[roomIndex * 2 + (Math.floor(index / rooms.length) % 2)];
        call('POST', '/api/send-msg', sender?.token ?? '', {
          chatRoomId: rooms[roomIndex],
          msgType: 'Text',
          msgBody: { text: `bench ${index} ${'lorem ipsum dolor sit amet '.repeat(4)}` },
        })
          .then(({ status }) => {
            if (status !== 200) failed++;
            else if (index >= skipped) post.push(performance.now() - intended(index));
          })
          .catch(() => failed++)
          .finally(() => {
            answered++;
            if (answered === total) resolve();
          });
      }
      if (sent === total) clearInterval(timer);
    }, 1);
  });
  const elapsed = (performance.now() - start) / 1000;
  const expected = (total - skipped) * copies;
  const deadline = performance.now() + 10_000;
  while (delivered < expected && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  const after = await look();
  for (const stream of streams) stream.destroy();
  await pool.destroy();
  return {
    sse: latency(sse),
    post: latency(post),
    delivered,
    expected,
    failed,
    rate: total / elapsed,
    accepted: (total - failed) / elapsed,
    rooms,
    looks: load.watch === undefined ? null : { before, after },
  };
};

process.once('message', (load: ChatLoad) => {
  run(load)
    .then((result) => process.send?.(result))
    .catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
});
