/** One POST to somebody else's server: within a time limit, to no address we must not call, following no redirect, reading little. */
import http from 'node:http';
import https from 'node:https';
import { AddressRefused, faultOfUrl, guardedLookup, type Guard } from './guard.ts';

export interface Call {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

export interface Answered {
  readonly status: number;
  /** From `Retry-After`; null when it says none. */
  readonly retryAfterMs: number | null;
}

export interface Caller {
  /** @throws AddressRefused, CallTimedOut, and what Node's sockets and TLS throw */
  post(call: Call, signal?: AbortSignal): Promise<Answered>;
  /** The same for who needs to know what was answered; `body` is cut where it is too long. @throws as `post` */
  ask(call: Call, signal?: AbortSignal): Promise<Answered & { readonly body: string }>;
  close(): void;
}

export interface CallerOptions extends Guard {
  /** From the first look-up to the answer's status. */
  readonly timeoutMs: number;
}

export class CallTimedOut extends Error {
  override readonly name = 'CallTimedOut';
}

/** Connections are kept for the next call; each was checked as it was made. */
const KEPT_FREE_SOCKETS = 4;

export const createCaller = (options: CallerOptions): Caller => {
  const lookup = guardedLookup(options);
  const common = { keepAlive: true, maxFreeSockets: KEPT_FREE_SOCKETS, scheduling: 'lifo' } as const;
  const agents = { 'http:': new http.Agent(common), 'https:': new https.Agent(common) };

  const send = <A extends Answered>(
    { url: text, headers, body }: Call,
    signal: AbortSignal | undefined,
    read: (response: http.IncomingMessage, answered: Answered) => Promise<A>,
  ): Promise<A> =>
    new Promise((resolve, reject) => {
      const fault = faultOfUrl(text, options);
      if (fault !== null) {
        reject(new AddressRefused(`the URL ${fault}`));
        return;
      }
      const url = new URL(text);
      const secure = url.protocol === 'https:';
      const request = (secure ? https : http).request(url, {
        method: 'POST',
        agent: secure ? agents['https:'] : agents['http:'],
        lookup,
        headers: { 'user-agent': 'Tidings', ...headers, 'content-length': String(Buffer.byteLength(body)) },
        ...(signal === undefined ? {} : { signal }),
      });
      const timer = setTimeout(() => request.destroy(new CallTimedOut(`no answer within ${options.timeoutMs} ms`)), options.timeoutMs);
      request.on('close', () => clearTimeout(timer));
      request.on('error', reject);
      request.on('response', (response) => {
        read(response, { status: response.statusCode ?? 0, retryAfterMs: retryAfterOf(response.headers['retry-after']) }).then(
          resolve,
          reject,
        );
      });
      request.end(body);
    });

  return {
    post: (call, signal) =>
      send(call, signal, async (response, answered) => {
        drain(response);
        return answered;
      }),
    ask: (call, signal) => send(call, signal, async (response, answered) => ({ ...answered, body: await textOf(response) })),
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
};

/** What an answer says beside its status is of no use; a short one is read so that its connection can serve again. */
const MAX_READ = 64 * 1024;
const drain = (response: http.IncomingMessage): void => {
  let read = 0;
  response.on('error', () => undefined); // the status is known, which is all that counts
  response.on('data', (chunk: Buffer) => {
    read += chunk.length;
    if (read > MAX_READ) response.destroy();
  });
};

const textOf = async (response: http.IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    // no encoding is set
    chunks.push(chunk);
    read += chunk.length;
    if (read > MAX_READ) break; // which ends the response
  }
  return Buffer.concat(chunks).subarray(0, MAX_READ).toString('utf8');
};

/** Seconds, or a date (RFC 9110 §10.2.3). */
const retryAfterOf = (header: string | undefined): number | null => {
  if (header === undefined) return null;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
};
