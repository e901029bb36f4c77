/** clamd's scan of a mail: `INSTREAM` over a socket of its own (clamd(8)). */
import { connect } from 'node:net';
import { CheckerUnavailable, type VirusFinding, type VirusScanner } from '@tidings/contracts/ports/mail-checks';

/** @param url `tcp://host:port` or `unix:///path` */
export const clamd = (url: string): VirusScanner => ({
  scan: async (raw, signal) => findingOf(await instream(url, raw, signal)),
});

const findingOf = (reply: string): VirusFinding => {
  const found = /^stream: (.{1,200}) FOUND$/.exec(reply)?.[1];
  if (found !== undefined) return { type: 'infected', name: found };
  if (reply === 'stream: OK') return { type: 'clean' };
  // Trying again would not make it smaller.
  if (/size limit exceeded/i.test(reply)) return { type: 'unscanned', reason: 'larger than clamd takes' };
  throw new CheckerUnavailable(`clamd answered "${reply.slice(0, 100)}"`);
};

const CHUNK = 256 * 1024;
const MAX_REPLY = 4_096;

const instream = (url: string, raw: Uint8Array, signal: AbortSignal): Promise<string> =>
  new Promise((resolve, reject) => {
    const { protocol, hostname, port, pathname } = new URL(url);
    const socket =
      protocol === 'unix:'
        ? connect({ path: decodeURIComponent(pathname), signal })
        : connect({ host: hostname.replace(/^\[(.*)\]$/, '$1'), port: Number(port === '' ? 3310 : port), signal });
    let reply = '';
    const answered = (): boolean => reply.includes('\0') || reply.length > MAX_REPLY;
    const finish = (error?: Error): void => {
      socket.destroy();
      // It may have said why before it hung up on us.
      if (answered()) resolve((reply.split('\0', 1)[0] ?? '').trim());
      else reject(new CheckerUnavailable(`clamd does not answer: ${error === undefined ? 'it hung up' : reason(error)}`, { cause: error }));
    };
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      reply += text;
      if (answered()) finish();
    });
    socket.on('error', finish);
    socket.on('close', () => finish());
    socket.write('zINSTREAM\0');
    for (let at = 0; at < raw.byteLength; at += CHUNK) {
      const chunk = raw.subarray(at, at + CHUNK);
      socket.write(lengthOf(chunk.byteLength));
      socket.write(chunk);
    }
    socket.write(lengthOf(0));
  });

const lengthOf = (bytes: number): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
};

const reason = (error: Error): string =>
  error.name === 'AbortError' || error.name === 'TimeoutError' ? 'no answer in time' : error.message;
