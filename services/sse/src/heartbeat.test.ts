import type { UserId } from '@tidings/contracts/ids';
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { HeartbeatWheel } from './heartbeat.ts';
import { Stream } from './stream.ts';

const soon = { timeout: 15_000, interval: 20 };

let now = 0;
let wheel: HeartbeatWheel;
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  now = 0;
  wheel = new HeartbeatWheel(() => now);
});
afterEach(() => {
  wheel.stop();
  vi.useRealTimers();
});

describe('the wheel', () => {
  it('beats every stream at least every five seconds, and no more after it left', () => {
    const beats: number[] = [];
    const streams = Array.from({ length: 100 }, (_, at) => ({ slot: 0, beat: (time: number) => beats.push(time * 1000 + at) }));
    for (const stream of streams) wheel.add(stream as unknown as Stream); // the wheel looks at nothing else
    expect(wheel.size).toBe(100);
    for (; now < 5000; now += 100) vi.advanceTimersByTime(100);
    for (let at = 0; at < 100; at++) expect(beats.some((beat) => beat % 1000 === at)).toBe(true);
    for (const stream of streams) wheel.remove(stream as unknown as Stream);
    expect(wheel.size).toBe(0);
    beats.length = 0;
    vi.advanceTimersByTime(5000);
    expect(beats).toEqual([]);
  });
});

describe('a beat', () => {
  const withPair = async (use: (served: Socket, peer: Socket) => Promise<void>): Promise<void> => {
    const server = createServer({ allowHalfOpen: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening on TCP');
    const peer = connect({ port: address.port, host: '127.0.0.1', allowHalfOpen: true });
    const [served] = (await once(server, 'connection')) as [Socket];
    await use(served, peer);
    served.destroy();
    peer.destroy();
    server.close();
  };

  it('lets go of a client that reads nothing for several of them', () =>
    withPair(async (served, peer) => {
      peer.pause();
      const stream = new Stream(served, 'ada' as UserId, Number.POSITIVE_INFINITY);
      const frame = Buffer.alloc(64 * 1024);
      while (served.writableLength === 0) served.write(frame);
      let beats = 0;
      for (; stream.open && beats < 100; beats++) stream.beat(now);
      expect(stream.ending).toBe('slow');
      expect(beats).toBeGreaterThan(5);
      expect(served.destroyed).toBe(true);
    }));

  it('ends a stream with its token, also when the client does not end its own side', () =>
    withPair(async (served, peer) => {
      const stream = new Stream(served, 'ada' as UserId, 1000);
      peer.resume();
      stream.beat(999);
      expect(stream.open).toBe(true);
      stream.beat(1000);
      expect(stream.ending).toBe('expired');
      await once(peer, 'end');
      await vi.waitFor(() => expect(served.destroyed).toBe(true), soon);
    }));
});
