/** Exchanges as clamd's protocol describes them (tests/engines/checkers.test.ts asks the real one). */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { CheckerUnavailable } from '@tidings/contracts/ports/mail-checks';
import { afterEach, expect, it } from 'vitest';
import { clamd } from './clamd.ts';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
/** Says `reply` once the stream has ended, and tells what came. */
const serving = async (reply: string | null): Promise<{ readonly url: string; readonly got: () => Buffer }> => {
  const chunks: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if (reply !== null && Buffer.concat(chunks).subarray(-4).equals(Buffer.alloc(4))) socket.end(reply);
      });
  });
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`, got: () => Buffer.concat(chunks) }; // a TCP server has a port
};
const within = (ms = 5_000): AbortSignal => AbortSignal.timeout(ms);

it('sends the mail in chunks, each behind its length', async () => {
  const { url, got } = await serving('stream: OK\0');
  const raw = Buffer.alloc(300 * 1024, 'x');
  expect(await clamd(url).scan(raw, within())).toEqual({ type: 'clean' });
  const first = Buffer.alloc(4);
  first.writeUInt32BE(256 * 1024);
  const second = Buffer.alloc(4);
  second.writeUInt32BE(44 * 1024);
  const parts = [Buffer.from('zINSTREAM\0'), first, raw.subarray(0, 256 * 1024), second, raw.subarray(256 * 1024), Buffer.alloc(4)];
  expect(got().equals(Buffer.concat(parts))).toBe(true);
});

it.each([
  ['stream: Eicar-Test-Signature.UNOFFICIAL FOUND\0', { type: 'infected', name: 'Eicar-Test-Signature.UNOFFICIAL' }],
  ['INSTREAM size limit exceeded. ERROR\0', { type: 'unscanned', reason: 'larger than clamd takes' }],
])('understands %j', async (reply, finding) => {
  expect(await clamd((await serving(reply)).url).scan(Buffer.from('x'), within())).toEqual(finding);
});

it.each(['UNKNOWN COMMAND\0', "stream: Can't allocate memory ERROR\0", ''])('waits for better times when it answers %j', async (reply) => {
  await expect(clamd((await serving(reply)).url).scan(Buffer.from('x'), within())).rejects.toBeInstanceOf(CheckerUnavailable);
});

it('gives up on one that is silent or not there', async () => {
  await expect(clamd((await serving(null)).url).scan(Buffer.from('x'), within(100))).rejects.toThrow('no answer in time');
  await expect(clamd('tcp://127.0.0.1:1').scan(Buffer.from('x'), within())).rejects.toThrow('clamd does not answer');
  await expect(clamd('unix:///nowhere/clamd.ctl').scan(Buffer.from('x'), within())).rejects.toThrow('clamd does not answer');
});
