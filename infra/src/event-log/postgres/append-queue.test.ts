import type { StreamId } from '@tidings/contracts/ids';
import { Overloaded } from '@tidings/contracts/ports/event-log';
import { describe, expect, it } from 'vitest';
import { createAppendQueue, type AppendQueue, type AppendRequest } from './append-queue.ts';

const event = { id: 'id', type: 'Happened', version: 1, data: '{}', meta: '{}' };
const request = (stream: string, details: Partial<AppendRequest> & { readonly count?: number } = {}): AppendRequest => ({
  stream: stream as StreamId,
  expected: null,
  events: Array.from({ length: details.count ?? 1 }, () => event),
  bytes: 4,
  deadline: 100,
  patient: false,
  unanswered: false,
  alone: false,
  resolve: () => undefined,
  reject: () => undefined,
  ...details,
});
const queueOf = (...requests: readonly AppendRequest[]): AppendQueue => {
  const queue = createAppendQueue({ requests: 10, bytes: 100 * 1024 * 1024 });
  for (const one of requests) queue.push(one);
  return queue;
};
const names = (requests: readonly AppendRequest[]): string[] => requests.map(({ stream }) => stream);

describe('the append queue', () => {
  it('puts one request per stream into a batch and lets nobody overtake within a stream', () => {
    const [a1, b1, a2, c1, a3] = ['a', 'b', 'a', 'c', 'a'].map((name) => request(name)) as [AppendRequest, ...AppendRequest[]];
    const queue = queueOf(a1, ...([b1, a2, c1, a3] as AppendRequest[]));
    const first = queue.take(500);
    expect(names(first)).toEqual(['a', 'b', 'c']);
    expect(queue.take(500)).toEqual([]); // `a` is on its way
    queue.settle(first);
    expect(queue.take(500)).toEqual([a2]);
  });

  it('ends a batch at its number of events and its bytes, but always takes one', () => {
    const queue = queueOf(request('a', { count: 400 }), request('b', { count: 101 }), request('c'));
    expect(names(queue.take(500))).toEqual(['a']);
    expect(names(queue.take(50))).toEqual(['b']);
    const large = queueOf(...['a', 'b', 'c'].map((name) => request(name, { bytes: 2 * 1024 * 1024 })));
    expect(names(large.take(500))).toEqual(['a', 'b']);
  });

  it('sends those that were refused in company one by one', () => {
    const queue = queueOf(request('a'), request('b', { alone: true }), request('c'));
    expect(names(queue.take(500))).toEqual(['a']);
    expect(names(queue.take(500))).toEqual(['b']);
    expect(names(queue.take(500))).toEqual(['c']);
  });

  it('sends again first what it got back', () => {
    const queue = queueOf(request('a'), request('b'));
    const batch = queue.take(1);
    queue.putBack(batch);
    expect(names(queue.take(500))).toEqual(['a', 'b']);
  });

  it('is full while requests wait or are on their way', () => {
    const queue = queueOf(...Array.from({ length: 10 }, (_, n) => request(`${n}`)));
    expect(() => queue.push(request('x'))).toThrow(Overloaded);
    const batch = queue.take(500);
    expect(() => queue.push(request('x'))).toThrow(Overloaded);
    queue.settle(batch);
    queue.push(request('x'));
    const heavy = createAppendQueue({ requests: 10, bytes: 10 });
    heavy.push(request('a', { bytes: 8 }));
    expect(() => heavy.push(request('b', { bytes: 8 }))).toThrow(Overloaded);
  });

  it('gives up what has waited too long, not what is on its way', () => {
    const queue = queueOf(request('a', { deadline: 5 }), request('b', { deadline: 5 }), request('c', { deadline: 50 }));
    queue.take(1);
    expect(names(queue.expire(10))).toEqual(['b']);
    expect(queue.waiting).toBe(1);
  });
});
