/** Members of one room and what they say, for the fan-out bench: a process of its own. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { percentile, sortedCopy } from './harness.ts';

export interface FanOutLoad {
  /** Where the members' streams are, and how a message is said there: over our API, or as the very frame to the bare server. */
  readonly streams: string;
  readonly say:
    | { readonly type: 'message'; readonly url: string; readonly roomId: string }
    | { readonly type: 'frame'; readonly url: string; readonly sample: string };
  /** One stream each. */
  readonly tokens: readonly string[];
  /** Messages a second while latency is measured. */
  readonly pace: number;
  /** Messages under way at a time while throughput is measured. */
  readonly window: number;
  readonly seconds: number;
}

export interface FanOutResult {
  readonly deliveriesPerSecond: number;
  /** From the scheduled time to the last member. */
  readonly last: { readonly p50: number; readonly p99: number; readonly samples: number };
  readonly messages: number;
  readonly missing: number;
  readonly failed: number;
  /** A frame as it came. */
  readonly sample: string;
}

const MARK = '"msgBody":{"text":"bench ';
const OPEN_AT_ONCE = 100;
const SPEAKERS = 20;
const PATIENCE_MS = 20_000;

/** What has been said, and whom it has reached. */
class Messages {
  readonly #members: number;
  readonly #reached: number[] = [];
  readonly #whenAll = new Map<number, (at: number) => void>();
  sample = '';
  delivered = 0;
  lastAt = 0;

  constructor(members: number) {
    this.#members = members;
  }
  get said(): number {
    return this.#reached.length;
  }
  get missing(): number {
    return this.said * this.#members - this.delivered;
  }

  /** @returns its number, and when the last member had it */
  add(): { readonly index: number; readonly all: Promise<number> } {
    const index = this.#reached.push(0) - 1;
    return { index, all: new Promise((resolve) => this.#whenAll.set(index, resolve)) };
  }

  /** Whole frames that one member received. */
  take(text: string): void {
    const now = performance.now();
    for (let at = text.indexOf(MARK); at >= 0; at = text.indexOf(MARK, at + MARK.length)) {
      const index = Number.parseInt(text.slice(at + MARK.length, at + MARK.length + 10), 10);
      const count = (this.#reached[index] ?? 0) + 1;
      this.#reached[index] = count;
      this.delivered++;
      this.lastAt = now;
      if (count < this.#members) continue;
      if (this.sample === '') this.sample = text.slice(text.lastIndexOf('id: ', at), text.indexOf('\n\n', at) + 2);
      this.#whenAll.get(index)?.(now);
      this.#whenAll.delete(index);
    }
  }
}

const openStream = (url: URL, token: string, messages: Messages): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () =>
      socket.write(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\nauthorization: Bearer ${token}\r\n\r\n`),
    );
    let rest = '';
    let isOpen = false;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      const text = rest + chunk;
      if (!isOpen) {
        isOpen = true;
        if (text.startsWith('HTTP/1.1 200')) resolve(socket);
        else reject(new Error(text.slice(0, 200)));
      }
      const end = text.lastIndexOf('\n\n');
      rest = end < 0 ? text : text.slice(end + 2);
      if (end >= 0) messages.take(text.slice(0, end + 2));
    });
    socket.on('error', reject);
  });

const run = async (load: FanOutLoad): Promise<FanOutResult> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 200 });
  const messages = new Messages(load.tokens.length);
  const sockets: Socket[] = [];
  for (let begun = 0; begun < load.tokens.length; begun += OPEN_AT_ONCE) {
    const some = load.tokens.slice(begun, begun + OPEN_AT_ONCE);
    sockets.push(...(await Promise.all(some.map((token) => openStream(new URL(load.streams), token, messages)))));
  }
  let failed = 0;
  const say = (index: number): void => {
    const { say } = load;
    const text = `bench ${index} ${'lorem ipsum dolor sit amet '.repeat(4)}`;
    const payload =
      say.type === 'message'
        ? JSON.stringify({ chatRoomId: say.roomId, msgType: 'Text', msgBody: { text } })
        : say.sample.replace(/"text":"bench \d+ /, `"text":"bench ${index} `);
    const outgoing = request(say.url, {
      method: 'POST',
      agent,
      headers: {
        authorization: `Bearer ${load.tokens[index % Math.min(SPEAKERS, load.tokens.length)] ?? ''}`,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(payload),
      },
    });
    outgoing.on('response', (response) => {
      response.resume();
      if (response.statusCode !== 200) failed++;
    });
    outgoing.on('error', () => failed++);
    outgoing.end(payload);
  };

  // Everyone who speaks has spoken before anything is measured.
  const warmUp = async (): Promise<void> => {
    for (let n = 0; n < 2 * SPEAKERS; n++) {
      const { index, all } = messages.add();
      say(index);
      await all;
    }
  };
  await inTime(warmUp(), messages);

  // Paced: open loop, from the scheduled time.
  const latencies: Promise<number>[] = [];
  const count = Math.max(10, Math.floor(load.pace * load.seconds));
  const start = performance.now() + 200;
  for (let n = 0; n < count; n++) {
    const due = start + (n * 1000) / load.pace;
    await sleep(Math.max(0, due - performance.now()));
    const { index, all } = messages.add();
    say(index);
    latencies.push(all.then((at) => at - due));
  }
  const last = sortedCopy(await inTime(Promise.all(latencies), messages));

  // As many as go: a new one as soon as one has reached everybody.
  const before = messages.delivered;
  const began = performance.now();
  const until = began + load.seconds * 1000;
  const speak = async (): Promise<void> => {
    while (performance.now() < until) {
      const { index, all } = messages.add();
      say(index);
      await all;
    }
  };
  await inTime(Promise.all(Array.from({ length: load.window }, speak)), messages);
  const deliveriesPerSecond = (messages.delivered - before) / ((messages.lastAt - began) / 1000);
  for (const socket of sockets) socket.destroy();
  agent.destroy();
  return {
    deliveriesPerSecond,
    last: { p50: percentile(last, 0.5), p99: percentile(last, 0.99), samples: last.length },
    messages: messages.said,
    missing: messages.missing,
    failed,
    sample: messages.sample,
  };
};

/** @throws when deliveries cease before all have come */
const inTime = async <A>(all: Promise<A>, messages: Messages): Promise<A> => {
  let timer: NodeJS.Timeout | undefined;
  const idle = new Promise<never>((_, reject) => {
    let seen = -1;
    timer = setInterval(() => {
      if (messages.delivered === seen)
        reject(new Error(`nothing came for ${PATIENCE_MS / 1000} s; ${messages.missing} deliveries are missing`));
      seen = messages.delivered;
    }, PATIENCE_MS);
  });
  try {
    return await Promise.race([all, idle]);
  } finally {
    clearInterval(timer);
  }
};

process.once('message', (load: FanOutLoad) => {
  run(load)
    .then((result) => process.send?.(result))
    .catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`);
      process.exit(1);
    });
});
