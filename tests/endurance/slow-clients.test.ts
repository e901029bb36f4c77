/** Clients that stop reading, that come back all at once, or that bring a lot: none costs more than is set aside for it, and nobody else notices. */
import { MAX_MEDIA_BYTES, type Media } from '@tidings/contracts/http/media';
import { createHash, randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { comeBackAll } from '../../services/sse/src/testing/reconnecting.ts';
import { residentMegabytesOf } from '../kit/child-pid.ts';
import { type Client, createRoom, type Ism, ok, request, say, startIsm } from '../acceptance/ism/ism.ts';

let ism: Ism<'Ann' | 'Ben' | 'Cat'>;
const open: Listening[] = [];

beforeAll(async () => {
  ism = await startIsm({ RATE_LIMITS: 'off' }, 'Ann', 'Ben', 'Cat');
});
afterAll(async () => {
  for (const one of open) one.close();
  await ism.close();
});

const listen = async (me: Client): Promise<Listening> => {
  const ear = await Listening.open(ism.program.httpUrl, me.token);
  open.push(ear);
  return ear;
};
const slowlyEnded = async (): Promise<number> =>
  Number(/tidings_sse_closed_total\{[^}]*reason="slow"[^}]*\} (\d+)/.exec((await request(ism.program, '/metrics')).text)?.[1] ?? 0);

describe('clients that stop reading', () => {
  it('are let go, with 200 MB meant for them, at a bounded cost in memory and none to others', async () => {
    const { Ann, Ben, Cat } = ism.as;
    const [loud, quiet] = [await createRoom(Ann, 'Group', [Ben], 'Loud'), await createRoom(Ann, 'Group', [Cat], 'Quiet')];
    const STREAMS = 24;
    const long = '🦉'.repeat(4000); // 16 kB each
    const residentMegabytes = residentMegabytesOf(new URL(ism.program.httpUrl).port);
    for (let n = 0; n < 100; n += 1) await say(Ann, loud.id, long); // what the process takes anyway
    const before = residentMegabytes();
    const hanging = await Promise.all(Array.from({ length: STREAMS }, () => listen(Ben)));
    for (const one of hanging) one.hang();
    const cat = await listen(Cat);
    let largest = 0;
    const COUNT = 540;
    let told = 0;
    const shouting = async (): Promise<void> => {
      while (told < COUNT) {
        told += 1;
        await say(Ann, loud.id, long);
      }
    };
    const shouts = Promise.all([shouting(), shouting(), shouting()]);
    const delays: number[] = [];
    while (told < COUNT) {
      const at = performance.now();
      const { messageId } = await say(Ann, quiet.id, 'psst');
      await cat.until(({ heard }) =>
        heard.some(({ event }) => (event['message'] as { messageId?: string } | undefined)?.messageId === messageId),
      );
      delays.push(performance.now() - at);
      largest = Math.max(largest, residentMegabytes());
    }
    await shouts;
    expect(COUNT * 16_000 * STREAMS).toBeGreaterThan(200_000_000);
    await expect.poll(slowlyEnded, { timeout: 40_000 }).toBe(STREAMS);
    expect(cat.ended).toBe(false);
    expect(delays.length).toBeGreaterThan(10);
    expect(Math.max(...delays), 'the slowest, with three that shout').toBeLessThan(2_000);
    expect(largest - before, 'megabytes').toBeLessThan(100);
    // They come back to what they missed.
    const back = await Listening.open(ism.program.httpUrl, Ben.token, cat.lastId);
    open.push(back);
    await say(Ann, loud.id, 'still there?');
    await back.until(({ heard }) => JSON.stringify(heard.at(-1)?.event).includes('still there?'));
  }, 120_000);
});

describe('clients that come back all at once', () => {
  it('have what they missed, each once and in order, within seconds', async () => {
    const { Ann, Ben, Cat } = ism.as;
    const room = await createRoom(Ann, 'Group', [Ben, Cat], 'Crowd');
    const { cursor } = ok<{ cursor: string }>(await Ann.post('/api/snapshot'));
    for (let n = 0; n < 20; n += 1) await say(Ann, room.id, `missed ${n}`);
    const { events } = ok<{ events: readonly { id: string }[] }>(await Ben.get(`/api/sync?after=${cursor}&limit=500`));
    expect(events).toHaveLength(20);
    const crowd = { url: ism.program.httpUrl, tokens: [Ann, Ben, Cat].map(({ token }) => token), streams: 300 };
    const { seconds, wrong } = await comeBackAll({ ...crowd, lastEventId: cursor, missed: events.map(({ id }) => id) });
    expect(wrong).toBe(0);
    expect(seconds).toBeLessThan(10);
  }, 60_000);
});

describe('clients that bring files', () => {
  it('of 25 MiB, ten at a time, do not fill memory, nor by fetching them again', async () => {
    const { Ann } = ism.as;
    const headers = { authorization: `Bearer ${Ann.token}` };
    const content = randomBytes(MAX_MEDIA_BYTES);
    const digest = createHash('sha256').update(content).digest('hex');
    const keep = async (): Promise<Media> => {
      const body = new FormData();
      body.append('file', new Blob([content]), 'file');
      return ok<Media>(await request(ism.program, '/api/media', { method: 'POST', headers, body }));
    };
    const residentMegabytes = residentMegabytesOf(new URL(ism.program.httpUrl).port);
    const before = residentMegabytes();
    let most = before;
    let isDone = false;
    const watching = (async () => {
      for (; !isDone; await setTimeout(50)) most = Math.max(most, residentMegabytes());
    })();
    try {
      const kept = await Promise.all(Array.from({ length: 10 }, keep));
      expect(new Set(kept.map(({ mediaId }) => mediaId)).size).toBe(10);
      for (const { mediaUrl } of kept.slice(0, 2)) {
        const hash = createHash('sha256');
        const { body } = await fetch(new URL(mediaUrl, ism.program.httpUrl), { headers });
        for await (const piece of body ?? []) hash.update(piece);
        expect(hash.digest('hex')).toBe(digest);
      }
    } finally {
      isDone = true;
      await watching;
    }
    expect(most - before, 'megabytes').toBeLessThan(180);
  });
});
