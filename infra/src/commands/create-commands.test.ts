import type { Decider } from '@tidings/contracts/decider';
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxMemberRemoved, MailboxMemberSet } from '@tidings/contracts/events/mailbox';
import { derivedId, type CommandId, type MailboxId, type StreamId, type UserId } from '@tidings/contracts/ids';
import { type EventLog, LogUnavailable, Overloaded, START } from '@tidings/contracts/ports/event-log';
import * as E from 'fp-ts/lib/Either.js';
import { describe, expect, it } from 'vitest';
import { openMemoryLog } from '../event-log/memory/memory-log.ts';
import { createEventStore } from '../event-store/store.ts';
import { memorySubjectKeys } from '../subject-keys/memory.ts';
import { createCommands, TooManyConflicts, type CommandsOptions } from './create-commands.ts';

/** A little decider on real events: who is a member, at most three. */
type Event = MailboxMemberSet | MailboxMemberRemoved;
type Members = readonly UserId[];
type Full = { readonly type: 'Full' };
const mailboxId = derivedId<MailboxId>('test', 'mailbox');
const members: Decider<Members, { readonly add: UserId }, Event, Full> = {
  category: 'mailbox',
  initial: [],
  evolve: (state, event) =>
    event.type === 'MailboxMemberSet' ? [...state, event.data.userId] : state.filter((userId) => userId !== event.data.userId),
  decide: ({ add }, state) =>
    state.includes(add)
      ? E.right([])
      : state.length === 3
        ? E.left({ type: 'Full' })
        : E.right([{ type: 'MailboxMemberSet', data: { mailboxId, userId: add, role: 'viewer' } }]),
};

const user = (name: string): UserId => derivedId<UserId>('test', name);
const context = (name: string) => ({ commandId: derivedId<CommandId>('test', name) });
const right = <A>(value: E.Either<unknown, A>): A => {
  if (E.isLeft(value)) throw new Error('rejected');
  return value.right;
};

/** A log whose calls are counted and can be made to fail. */
const watched = () => {
  const log = openMemoryLog();
  const calls = { reads: 0, appends: 0 };
  const hooks: { append: (append: () => ReturnType<EventLog['append']>) => ReturnType<EventLog['append']> } = { append: (run) => run() };
  const spied: EventLog = {
    ...log,
    append: (...args) => {
      calls.appends += 1;
      return hooks.append(() => log.append(...args));
    },
    readStream: (...args) => {
      calls.reads += 1;
      return log.readStream(...args);
    },
  };
  return { log: spied, calls, hooks };
};

const node = (log: EventLog, options?: CommandsOptions) => createCommands(createEventStore(log, memorySubjectKeys()), options);

describe('commands', () => {
  it('decides, appends, and answers with the state after and its place', async () => {
    const commands = node(openMemoryLog());
    const first = right(await commands.transact(members, 'm', { add: user('ada') }, context('1')));
    expect(first).toMatchObject({ state: [user('ada')], revision: 0, events: [{ type: 'MailboxMemberSet' }] });
    expect(first.position > START && first.recordedAt !== null).toBe(true);
    const again = right(await commands.transact(members, 'm', { add: user('ada') }, context('2')));
    expect(again).toMatchObject({ events: [], revision: 0, position: first.position, recordedAt: null });
  });

  it('reads nothing on the hot path', async () => {
    const { log, calls } = watched();
    const commands = node(log);
    await commands.transact(members, 'm', { add: user('ada') }, context('1'));
    calls.reads = 0;
    await commands.transact(members, 'm', { add: user('bob') }, context('2'));
    expect(calls.reads).toBe(0);
    const written = { ...members, writtenOnce: true as const };
    await commands.transact(written, 'new', { add: user('bob') }, context('3'));
    expect(calls.reads).toBe(0);
  });

  it('reads nothing of a stream whose events it was told of in their order', async () => {
    const { log, calls } = watched();
    const [writer, reader] = [node(log), node(log)];
    await writer.transact(members, 'm', { add: user('ada') }, context('1'));
    await writer.transact(members, 'm', { add: user('bob') }, context('2'));
    const store = createEventStore(log, memorySubjectKeys());
    const { events } = await store.open((await log.readAll(0, START, 10)).events);
    const [first, second] = events as readonly Recorded<Event>[]; // no others were written
    if (first === undefined || second === undefined) throw new Error('two events were written');
    calls.reads = 0;
    for (const event of [first, first, second]) reader.learn(members, 'm', event);
    expect(await reader.load(members, 'm')).toMatchObject({ state: [user('ada'), user('bob')], revision: 1, position: second.position });
    expect(calls.reads).toBe(0);
    const late = node(log);
    late.learn(members, 'm', second); // without the one before it
    expect(await late.load(members, 'm')).toMatchObject({ revision: 1 });
    expect(calls.reads).toBe(1);
  });

  it('takes an older state where that is enough', async () => {
    const { log, calls } = watched();
    let now = 0;
    const commands = node(log, { now: () => now });
    await commands.transact(members, 'm', { add: user('ada') }, context('1'));
    now = 30_000;
    calls.reads = 0;
    await commands.load(members, 'm', 60_000);
    expect(calls.reads).toBe(0);
  });

  it('serves commands of one stream one after another, each on the state the one before left', async () => {
    const { log, calls } = watched();
    const commands = node(log);
    const names = Array.from({ length: 20 }, (_, n) => `user ${n}`);
    const results = await Promise.all(names.map((name) => commands.transact(members, 'm', { add: user(name) }, context(name))));
    expect(results.map((result) => result._tag)).toEqual(names.map((_, n) => (n < 3 ? 'Right' : 'Left')));
    expect(calls.appends).toBe(3);
  });

  it('reloads and decides again when another node was faster', async () => {
    const log = openMemoryLog();
    const [one, two] = [node(log), node(log)];
    await one.transact(members, 'm', { add: user('ada') }, context('1'));
    await two.transact(members, 'm', { add: user('bob') }, context('2'));
    const result = right(await one.transact(members, 'm', { add: user('cleo') }, context('3')));
    expect(result.state).toEqual([user('ada'), user('bob'), user('cleo')]);
  });

  it('refuses or does nothing only on state it has just read', async () => {
    const log = openMemoryLog();
    const [one, two] = [node(log), node(log)];
    for (const name of ['ada', 'bob', 'cleo']) await one.transact(members, 'm', { add: user(name) }, context(name));
    const store = createEventStore(log, memorySubjectKeys());
    expect(E.isLeft(await one.transact(members, 'm', { add: user('dan') }, context('4')))).toBe(true);
    const removed = { type: 'MailboxMemberRemoved', data: { mailboxId, userId: user('ada') } } as const;
    await store.append('mailbox-m' as StreamId, 'exists', [removed], context('5'));
    expect(right(await one.transact(members, 'm', { add: user('dan') }, context('6'))).state).toContain(user('dan'));
    expect(E.isLeft(await two.transact(members, 'm', { add: user('eve') }, context('7')))).toBe(true);
  });

  it('counts a command that is already in the log as done, with what it wrote then', async () => {
    const log = openMemoryLog();
    const written = { ...members, writtenOnce: true as const };
    const first = right(await node(log).transact(written, 'm', { add: user('ada') }, context('1')));
    const again = right(await node(log).transact(written, 'm', { add: user('other') }, context('1')));
    expect(again).toMatchObject({ position: first.position, revision: 0, recordedAt: first.recordedAt, state: [user('ada')] });
    expect(again.events).toMatchObject([{ data: { userId: user('ada') } }]);
  });

  it('finds out what became of an append whose answer was lost', async () => {
    for (const written of [true, false]) {
      const { log, hooks, calls } = watched();
      hooks.append = async (append) => {
        if (written) await append();
        hooks.append = (run) => run();
        throw new LogUnavailable('unknown', new Error('connection lost'));
      };
      const result = right(await node(log).transact(members, 'm', { add: user('ada') }, context('1')));
      expect(result).toMatchObject({ state: [user('ada')], revision: 0, events: [{ data: { userId: user('ada') } }] });
      expect(calls.appends).toBe(written ? 1 : 2);
      expect(await log.readStream('mailbox-m' as StreamId, 0, 10)).toHaveLength(1);
    }
  });

  it('passes on what it cannot mend', async () => {
    const { log, hooks } = watched();
    for (const error of [new Overloaded(), new LogUnavailable('not-applied', null)]) {
      hooks.append = () => Promise.reject(error);
      await expect(node(log).transact(members, 'm', { add: user('ada') }, context('1'))).rejects.toBe(error);
    }
    hooks.append = async () => ({ type: 'conflict', current: 7 });
    await expect(node(log, { maxAttempts: 3 }).transact(members, 'm', { add: user('ada') }, context('1'))).rejects.toThrow(
      TooManyConflicts,
    );
  });

  it('bounds how many wait for one stream', async () => {
    const commands = node(openMemoryLog(), { laneLimit: 2 });
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) => commands.transact(members, 'm', { add: user(name) }, context(name))),
    );
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    right(await commands.transact(members, 'm', { add: user('c') }, context('c')));
  });

  it('loads at most `freshForMs` behind other nodes and never behind its own writes', async () => {
    const { log, calls } = watched();
    let time = 0;
    const [one, two] = [node(log, { now: () => time }), node(log)];
    await one.transact(members, 'm', { add: user('ada') }, context('1'));
    await two.transact(members, 'm', { add: user('bob') }, context('2'));
    expect((await one.load(members, 'm')).state).toEqual([user('ada')]);
    time = 1001;
    calls.reads = 0;
    const [fresh] = await Promise.all([one.load(members, 'm'), one.load(members, 'm')]);
    expect(fresh).toMatchObject({ state: [user('ada'), user('bob')], revision: 1 });
    expect(calls.reads).toBe(1);
    await one.transact(members, 'm', { add: user('cleo') }, context('3'));
    expect((await one.load(members, 'm')).revision).toBe(2);
    expect(await one.load(members, 'empty')).toEqual({ state: [], revision: -1, position: START });
  });

  it('asks once for all states in use whether they still stand', async () => {
    const { log, calls } = watched();
    let looks = 0;
    const { revisions } = log;
    const counted: EventLog = {
      ...log,
      revisions: (streams) => {
        looks += 1;
        return revisions?.(streams) ?? Promise.resolve(new Map());
      },
    };
    let time = 0;
    const [one, two] = [node(counted, { now: () => time }), node(log)];
    const keys = Array.from({ length: 30 }, (_, n) => `m${n}`);
    for (const key of keys) await one.transact(members, key, { add: user('ada') }, context(key));
    for (const key of keys) await one.load(members, key);
    await two.transact(members, 'm7', { add: user('bob') }, context('elsewhere'));
    time = 1001;
    [calls.reads, looks] = [0, 0];
    const revisionsNow: number[] = [];
    for (const key of keys) revisionsNow.push((await one.load(members, key)).revision);
    expect(revisionsNow).toEqual(keys.map((key) => (key === 'm7' ? 1 : 0)));
    expect([looks, calls.reads]).toEqual([2, 1]); // once for all, and for the one that had changed
  });
});
