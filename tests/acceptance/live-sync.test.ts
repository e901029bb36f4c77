/** The live stream by REST: the same events under the same ids, a snapshot that nothing falls behind, and ISM's notifications. */
import type { ChatRoom, Preview } from '@tidings/contracts/http/chat-objects';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Heard, Listening } from '../../services/sse/src/testing/listening.ts';
import { type Client, createRoom, expectEmpty, INVALID, type Ism, joinIsm, ok, problem, say } from './ism/ism.ts';

const START = '0000000000000000';

interface SyncPage {
  readonly events: readonly Heard[];
  readonly next: string;
  readonly more: boolean;
  readonly resync: string | null;
}
interface Snapshot {
  readonly cursor: string;
  readonly me: { readonly id: string };
  readonly rooms: readonly ChatRoom[];
  readonly friendRequests: readonly { readonly id: string }[];
  readonly unreadTotal: number;
  readonly mentionTotal: number;
}

let ism: Ism<'Ann' | 'Ben' | 'Cat'>;
let room: ChatRoom;
const open: Listening[] = [];

beforeAll(async () => {
  ism = await joinIsm('live-sync', 'Ann', 'Ben', 'Cat');
  room = await createRoom(ism.as.Ann, 'Group', [ism.as.Ben, ism.as.Cat], 'Team');
});
afterAll(async () => {
  for (const one of open) one.close();
  await ism.close();
});

const syncAll = async (me: Client, after: string, limit = 7): Promise<{ readonly events: readonly Heard[]; readonly next: string }> => {
  const events: Heard[] = [];
  for (let next = after; ;) {
    const page = ok<SyncPage>(await me.get(`/api/sync?after=${next}&limit=${limit}`));
    expect(page.resync).toBeNull();
    events.push(...page.events);
    ({ next } = page);
    if (!page.more) return { events, next };
  }
};
const listen = async (me: Client, lastEventId?: string): Promise<Listening> => {
  const ear = await Listening.open(ism.program.httpUrl, me.token, lastEventId);
  open.push(ear);
  return ear;
};
const textOf = ({ event }: Heard): string | undefined => (event['message'] as { msgBody: { text?: string } } | undefined)?.msgBody.text;

describe('GET /api/sync', () => {
  it('gives what the stream gives, by the same ids, with stubs for who blocks; its place serves both', async () => {
    const { Ann, Ben, Cat } = ism.as;
    const ear = await listen(Ann);
    await say(Ben, room.id, 'before');
    expect((await Ann.post(`/api/users/ignore/${Ben.id}`)).status).toBe(200);
    await say(Ben, room.id, 'unheard');
    await say(Cat, room.id, 'heard');
    expect((await Ann.remove(`/api/users/ignore/${Ben.id}`)).status).toBe(200);
    await say(Ben, room.id, 'after');
    await ear.until(({ heard }) => heard.some((one) => textOf(one) === 'after'));
    const { events, next } = await syncAll(Ann, START, 2);
    const whole = await listen(Ann, START);
    await whole.until(({ heard }) => heard.some((one) => textOf(one) === 'after'));
    expect(events).toEqual(whole.heard);
    expect(events.slice(-ear.heard.length)).toEqual(ear.heard);
    expect(JSON.stringify(events)).not.toContain('unheard');
    expect(events.filter(({ event }) => (event['message'] as { hidden?: true } | undefined)?.hidden === true)).toHaveLength(1);
    expect(JSON.stringify((await syncAll(Cat, START)).events)).toContain('unheard');

    const on = await listen(Ann, next);
    await say(Cat, room.id, 'later');
    await on.until(({ heard }) => heard.length > 0);
    expect(on.heard).toEqual((await syncAll(Ann, next)).events);
  });

  it('says when it cannot tell all, and from where to go on', async () => {
    const page = ok<SyncPage>(await ism.as.Ann.get('/api/sync?after=0000009999999999'));
    expect(page).toMatchObject({ events: [], more: false, resync: 'unknown-id' });
    await say(ism.as.Ben, room.id, 'on we go');
    expect((await syncAll(ism.as.Ann, page.next)).events.map(textOf)).toEqual(['on we go']);
  });

  it('as the stream says it: one `Resync`, then what happens', async () => {
    const { Ann, Ben } = ism.as;
    const ear = await listen(Ann, '0000009999999999');
    await ear.until(({ types }) => types.includes('Resync'));
    await say(Ben, room.id, 'live again');
    await ear.until(({ heard }) => heard.some((one) => textOf(one) === 'live again'));
    expect(ear.heard.map(({ event }) => [event.type, event['reason']])).toEqual([
      ['Resync', 'unknown-id'],
      ['ChatMessage', undefined],
    ]);
    const resumed = await listen(Ann, ear.heard[0]?.id);
    await resumed.until(({ heard }) => heard.length > 0);
    expect(resumed.heard, 'its id is a place to go on from').toEqual(ear.heard.slice(1));
  });

  it('refuses what is no id of the stream', async () => {
    for (const query of ['', '?after=', '?after=nonsense', `?after=${START}&limit=0`, `?after=${START}&limit=501`]) {
      expect(problem(await ism.as.Ann.get(`/api/sync${query}`)), query).toEqual(INVALID);
    }
  });
});

describe('POST /api/snapshot', () => {
  it('shows rooms, requests and what is unread', async () => {
    const { Ann, Ben, Cat } = ism.as;
    expectEmpty(await Ben.post(`/api/users/friends/add/${Ann.id}`));
    expectEmpty(await Ann.post(`/api/rooms/${room.id}/mark-read`));
    await Cat.post('/api/send-msg', { chatRoomId: room.id, msgBody: { text: 'Ann?' }, mentions: [Ann.id] });
    await say(Cat, room.id, 'well');
    const seen = ok<Snapshot>(await Ann.post('/api/snapshot'));
    expect(seen).toMatchObject({ me: { id: Ann.id }, friendRequests: [{ id: Ben.id }], unreadTotal: 2, mentionTotal: 1 });
    expect(seen.rooms).toEqual(ok(await Ann.get('/api/rooms')));
    expect((await syncAll(Ann, seen.cursor)).events).toEqual([]);
  });

  it('lets nothing fall between itself and what follows its cursor, while all write', async () => {
    const { Ann, Ben, Cat } = ism.as;
    const rooms = await Promise.all([Ben, Cat].map(async (one) => [one, await createRoom(one, 'Group', [Ann], 'Busy')] as const));
    const COUNT = 120;
    const numberOf = (text: string | undefined): number => Number(/^n(\d+)$/.exec(text ?? '')?.[1] ?? 0);
    const writing = Promise.all(
      rooms.map(async ([writer, { id }]) => {
        for (let n = 1; n <= COUNT; n += 1) await say(writer, id, `n${n}`);
      }),
    );
    let isDone = false;
    void writing.then(() => (isDone = true));
    const taken: Snapshot[] = [];
    while (!isDone) taken.push(ok<Snapshot>(await Ann.post('/api/snapshot')));
    await writing;
    expect(taken.length).toBeGreaterThan(3);
    for (const snapshot of taken) {
      const { events } = await syncAll(Ann, snapshot.cursor, 500);
      for (const [, { id }] of rooms) {
        const preview = snapshot.rooms.find((one) => one.id === id)?.latestMessagePreviewText as Preview & { text?: string };
        const said = events.filter(({ event }) => (event['message'] as { chatRoomId: string } | undefined)?.chatRoomId === id);
        const numbers = said.map((one) => numberOf(textOf(one)));
        const first = numbers[0] ?? COUNT + 1;
        expect(first).toBeLessThanOrEqual(numberOf(preview.text) + 1);
        expect(numbers).toEqual(Array.from({ length: COUNT + 1 - first }, (_, at) => first + at));
      }
    }
  }, 60_000);
});

describe('GET /api/notifications', () => {
  it('gives the envelopes since a time, by whole seconds and inclusive, as they were told', async () => {
    const { Ann, Cat } = ism.as;
    const { createdAt } = await say(Cat, room.id, 'since then');
    const found = ok<readonly Heard['event'][]>(await Ann.get(`/api/notifications?timestamp=${createdAt}`));
    const second = createdAt.slice(0, 19);
    const all = (await syncAll(Ann, START)).events.map(({ event }) => event);
    expect(found).toEqual(all.filter((event) => String(event['createdAt']).slice(0, 19) >= second));
    expect(found.map((event) => textOf({ id: '', event }))).toContain('since then');
    expect(ok(await Ann.get(`/api/notifications?timestamp=2001-01-01T00:00:00Z`))).toEqual(all);
    expect(ok(await Ann.get(`/api/notifications?timestamp=2999-01-01T00:00:00Z`))).toEqual([]);
    for (const query of ['', '?timestamp=yesterday']) expect(problem(await Ann.get(`/api/notifications${query}`)), query).toEqual(INVALID);
  });
});
