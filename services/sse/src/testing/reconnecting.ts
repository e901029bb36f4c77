/** For tests and benchmarks: many clients that come back at once to what they missed, on plain sockets that cost little. */
import { connect, type Socket } from 'node:net';

export interface Crowd {
  readonly url: string;
  /** Taken in turn. */
  readonly tokens: readonly string[];
  readonly streams: number;
  readonly lastEventId: string;
  /** The ids that each is to be told, in order, and no other before them. */
  readonly missed: readonly string[];
}

export interface CameBack {
  /** Until the last one had all it missed. */
  readonly seconds: number;
  /** Streams that were told something twice, too little, or out of order. */
  readonly wrong: number;
}

const GIVE_UP_MS = 60_000;

export const comeBackAll = async (crowd: Crowd): Promise<CameBack> => {
  const begun = performance.now();
  const sockets: Socket[] = [];
  const deadline = AbortSignal.timeout(GIVE_UP_MS);
  const outcomes = await Promise.all(
    Array.from({ length: crowd.streams }, (_, at) => comeBack(crowd, crowd.tokens[at % crowd.tokens.length] ?? '', deadline, sockets)),
  );
  const seconds = (performance.now() - begun) / 1000;
  for (const socket of sockets) socket.destroy();
  return { seconds, wrong: outcomes.filter((ids) => ids.join() !== crowd.missed.join()).length };
};

/** The ids it was told, once they are as many as expected; what there is when it was refused or broke. */
const comeBack = (
  { url, lastEventId, missed }: Crowd,
  token: string,
  deadline: AbortSignal,
  sockets: Socket[],
): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const { port, hostname, host } = new URL(url);
    const ids: string[] = [];
    let rest = '';
    let id = '';
    const socket = connect(Number(port), hostname, () => {
      socket.write(
        `GET /api/sse HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\nlast-event-id: ${lastEventId}\r\naccept: text/event-stream\r\n\r\n`,
      );
    });
    sockets.push(socket);
    const done = (): void => resolve(ids);
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('id: ')) id = line.slice(4);
        else if (line.startsWith('data: ')) ids.push(id); // the opening's id has no data behind it
      }
      if (ids.length >= missed.length) done();
    });
    socket.on('error', done).on('close', done);
    deadline.addEventListener('abort', done);
  });
