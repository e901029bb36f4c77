import type { TidingsEvent } from '@tidings/contracts/events/index';
import { samples } from '@tidings/contracts/events/samples';
import { derivedId, type CommandId, type MessageId, type RoomId, type StreamId, type UserId } from '@tidings/contracts/ids';
import type { LoggedEvent, NewEvent } from '@tidings/contracts/ports/event-log';
import { START } from '@tidings/contracts/ports/event-log';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { describe, expect, it } from 'vitest';
import { openMemoryLog } from '../event-log/memory/memory-log.ts';
import { memorySubjectKeys } from '../subject-keys/memory.ts';
import { createEventStore, InvalidEvent, UnreadableStream } from './store.ts';

const id = <I extends string>(name: string): I => derivedId<I>('test', name);
const ada = id<UserId>('ada');
const bob = id<UserId>('bob');
const room = id<RoomId>('room');
const stream = `message-${room}.${id('message')}` as StreamId;
const context = { commandId: id<CommandId>('command'), traceId: 'a'.repeat(32) };

const said = (text: string, by = ada): TidingsEvent => ({
  type: 'MessageSent',
  data: { roomId: room, messageId: id<MessageId>('message'), senderId: by, body: { type: 'Text', text }, mentions: [], threadId: null },
});
const received = (): TidingsEvent => ({
  type: 'EmailReceived',
  data: {
    emailId: id('email'),
    blobId: 'ab'.repeat(32) as never,
    size: 10,
    recipients: [id<string>('box one'), id<string>('box two')].map((mailboxId) => ({
      mailboxId: mailboxId as never,
      envelope: { mailFrom: 'ada@example.org', rcptTo: ['bob@tidings.test'], helo: 'mx', clientAddress: '192.0.2.1' },
    })),
  },
});

const open = () => {
  const log = openMemoryLog();
  const keys = memorySubjectKeys();
  return { log, keys, store: createEventStore(log, keys) };
};
/** What the log holds, with changes. */
const tampered = async (log: ReturnType<typeof openMemoryLog>, change: Partial<LoggedEvent>): Promise<readonly LoggedEvent[]> =>
  (await log.readAll(0, START, 10)).events.map((event) => ({ ...event, ...change }));

describe('the event store', () => {
  it('gives back what was appended, with its place in the log', async () => {
    const { store } = open();
    const result = await store.append(stream, 'none', [said('Hello')], context);
    const [event, ...others] = await store.readStream(stream);
    expect(others).toEqual([]);
    expect(event).toMatchObject({ ...said('Hello'), stream, revision: 0, shard: 0, meta: context });
    expect(result).toMatchObject({ type: 'appended', position: event?.position, recordedAt: event?.recordedAt });
  });

  it('derives event ids from the command, so running it again is a duplicate', async () => {
    const { store } = open();
    await store.append(stream, 'none', [said('Hello')], context);
    expect(await store.append(stream, 'none', [said('Hello')], context)).toMatchObject({ type: 'duplicate', revision: 0 });
  });

  it('keeps no personal field in clear, at the top or in the items of an array', async () => {
    const { log, store } = open();
    await store.append(stream, 'none', [said('a secret')], context);
    await store.append('email-1' as StreamId, 'none', [received()], context);
    const stored = JSON.stringify((await log.readAll(0, START, 10)).events);
    expect(stored).not.toMatch(/secret|example\.org|192\.0\.2\.1/);
    expect(stored).toContain(ada); // what counts and joins stays
  });

  it('shreds exactly the fields of the subject whose key is destroyed', async () => {
    const { store, keys } = open();
    const both = 'message-both.1' as StreamId;
    await store.append(both, 'none', [said('by ada'), said('by bob', bob)], context);
    await store.append('email-1' as StreamId, 'none', [received()], context);
    await keys.destroy(ada as never);
    await keys.destroy(id('box two'));
    const bodies = (await store.readStream(both)).map(({ data }) => (data as { body: unknown }).body);
    expect(bodies).toEqual([SHREDDED, { type: 'Text', text: 'by bob' }]);
    const [mail] = await store.readStream('email-1' as StreamId);
    expect(mail?.data).toMatchObject({ recipients: [{ envelope: { helo: 'mx' } }, { envelope: SHREDDED }] });
  });

  it('seals what is quoted with the key of its author, in its place inside the words of somebody else', async () => {
    const quoted = { messageId: id<MessageId>('earlier'), senderId: bob, createdAt: timestamp(0) };
    const body = { type: 'Reply', text: 'her answer', quoted: { ...quoted, body: { type: 'Text', text: 'his secret' } } } as const;
    const answer: TidingsEvent = {
      type: 'MessageSent',
      data: { roomId: room, messageId: id<MessageId>('message'), senderId: ada, body, mentions: [], threadId: null },
    };
    const bodyIn = async (store: ReturnType<typeof open>['store'], of: StreamId): Promise<unknown> => {
      const [event] = await store.readStream(of);
      return event?.type === 'MessageSent' ? event.data.body : undefined;
    };
    const { log, store, keys } = open();
    await store.append(stream, 'none', [answer], context);
    expect(JSON.stringify((await log.readAll(0, START, 10)).events)).not.toMatch(/answer|secret/);
    expect(await bodyIn(store, stream)).toEqual(body);
    await keys.destroy(bob as never);
    expect(await bodyIn(store, stream)).toEqual({ ...body, quoted: { ...quoted, body: SHREDDED } });
    const late = 'message-late.1' as StreamId;
    await store.append(late, 'none', [answer], { ...context, commandId: id<CommandId>('late') });
    expect(await bodyIn(store, late)).toEqual({ ...body, quoted: { ...quoted, body: SHREDDED } });
    await keys.destroy(ada as never);
    expect(await bodyIn(store, stream)).toEqual(SHREDDED);
  });

  it('writes nothing personal about a subject who was erased before', async () => {
    const { store, keys } = open();
    await keys.destroy(ada as never);
    await store.append(stream, 'none', [said('too late')], context);
    expect((await store.readStream(stream))[0]?.data).toMatchObject({ senderId: ada, body: SHREDDED });
  });

  it('does not open a box that was moved to another event or stream', async () => {
    const { log, store } = open();
    await store.append(stream, 'none', [said('Hello')], context);
    for (const change of [{ stream: 'message-x.y' as StreamId }, { id: id<never>('other') }]) {
      const page = await store.open(await tampered(log, change));
      expect(page.events).toEqual([]);
      expect(page.faults).toMatchObject([{ reason: expect.stringContaining('does not open') }]);
    }
  });

  it('refuses an event that its own codec does not accept', async () => {
    const { store } = open();
    await expect(store.append(stream, 'none', [said('')], context)).rejects.toThrow(InvalidEvent);
  });

  it('leaves out what only a newer version knows, counts it, and refuses to decide on it', async () => {
    const { log, store } = open();
    const strange: NewEvent = { id: id('event'), type: 'InventedLater', version: 1, data: {}, meta: {} };
    await log.append(stream, 'none', [strange]);
    await store.append(stream, { revision: 0 }, [said('Hello')], context);
    expect(await store.open((await log.readAll(0, START, 10)).events)).toMatchObject({ unknown: 1, faults: [], events: [{ revision: 1 }] });
    expect((await store.open(await tampered(log, { version: 99 }))).unknown).toBe(2);
    await expect(store.readStream(stream)).rejects.toThrow(UnreadableStream);
  });

  it('checks personal fields that lie in clear, and the others always', async () => {
    const { log, store } = open();
    await store.append(stream, 'none', [said('Hello')], context);
    const [sent] = (await log.readAll(0, START, 10)).events;
    const clear = await store.open(await tampered(log, { data: { ...sent?.data, $sealed: [], body: { type: 'Text', text: '' } } }));
    expect(clear.faults).toMatchObject([{ reason: expect.stringContaining('body') }]);
    const bent = await store.open(await tampered(log, { data: { ...sent?.data, roomId: 'no uuid' } }));
    expect(bent.faults).toMatchObject([{ reason: expect.stringContaining('roomId must be a UUID') }]);
  });

  it('opens a box that is larger than most', async () => {
    const { store } = open();
    const whole = { ...samples.EmailFiled.content, preview: 'é'.repeat(60_000) };
    const filed = { type: 'EmailFiled', data: { ...samples.EmailFiled, content: whole } } as const;
    await store.append('thread-1' as StreamId, 'none', [filed, { type: 'EmailFiled', data: samples.EmailFiled }], context);
    expect((await store.readStream('thread-1' as StreamId)).map(({ data }) => data)).toEqual([filed.data, samples.EmailFiled]);
  });

  it('gives undecodable events as faults with the reason', async () => {
    const { log, store } = open();
    await store.append(stream, 'none', [said('Hello')], context);
    const page = await store.open(await tampered(log, { data: { roomId: 'no uuid' } }));
    expect(page.faults).toMatchObject([{ reason: expect.stringContaining('roomId must be a UUID') }]);
  });

  it('reads a stream longer than a page, and from a revision on', async () => {
    const { store } = open();
    for (let n = 0; n < 3; n += 1) {
      const events = Array.from({ length: 400 }, (_, index) => said(`${n * 400 + index}`));
      await store.append(stream, 'any', events, { commandId: id<CommandId>(`${n}`) });
    }
    expect((await store.readStream(stream)).map(({ revision }) => revision)).toEqual(Array.from({ length: 1200 }, (_, index) => index));
    expect(await store.readStream(stream, 1199)).toMatchObject([{ data: { body: { text: '1199' } } }]);
  });
});
