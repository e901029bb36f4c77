import { derivedId, type EmailId, type MailboxId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { afterEach, expect, it } from 'vitest';
import { type DispatcherParts, startDispatcher } from './dispatcher.ts';
import type { DueRecipient } from './due-table.ts';

const mailboxId = derivedId<MailboxId>('dispatcher-test', 0);
const dueMails = (count: number): readonly DueRecipient[] =>
  Array.from({ length: count }, (_, n) => {
    return { emailId: derivedId<EmailId>('dispatcher-test', n), recipient: 0, mailboxId, domain: 'example.org', queuedAt: 0 };
  });
const at = (position: number): Position => String(position).padStart(8, '0') as Position;

let stopping: AbortController;
afterEach(() => stopping.abort());

const start = (parts: Pick<DispatcherParts, 'pick' | 'attempt'> & Partial<DispatcherParts>) => {
  stopping = new AbortController();
  return startDispatcher({
    ...{ shard: 0, now: () => 0, sessions: 4, sessionsPerRoute: 4, signal: stopping.signal, routeOf: (domain) => domain },
    nextDue: async () => null,
    onError: (error) => {
      throw error;
    },
    ...parts,
  });
};
/** Resolves when it was called so many times, with what it was called with. */
const calls = (count: number): { readonly all: EmailId[]; readonly called: (id: EmailId) => void; readonly done: Promise<void> } => {
  const all: EmailId[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const called = (id: EmailId): void => {
    all.push(id);
    if (all.length === count) resolve();
  };
  return { all, called, done: promise };
};

it('looks for what is due when it has nothing more to begin, and now and then before', async () => {
  const due = dueMails(40);
  const looks: number[] = [];
  const begun = calls(40);
  let time = 0;
  start({
    elapsed: () => time,
    pick: async () => {
      looks.push(begun.all.length);
      return due.slice(0, looks.length === 1 ? 30 : 40);
    },
    attempt: async ({ emailId }) => {
      if (begun.all.length === 19) time = 100; // of those in hand some wait still
      begun.called(emailId);
      return at(1); // never applied, so all of it stays in hand
    },
  });
  await begun.done;
  expect(begun.all).toEqual(due.map(({ emailId }) => emailId));
  const [first, second, ...more] = looks;
  expect([first, more.every((begunThen) => begunThen >= 40)]).toEqual([0, true]);
  expect(second).toBeGreaterThanOrEqual(20);
  expect(second).toBeLessThan(30);
});

it('begins what it is told of without a look', async () => {
  const due = dueMails(50);
  const begun = calls(50);
  const looked = Promise.withResolvers<void>();
  let looks = 0;
  const dispatcher = start({
    pick: async () => {
      looks += 1;
      return [];
    },
    nextDue: async () => {
      looked.resolve();
      return null;
    },
    attempt: async ({ emailId }) => {
      begun.called(emailId);
      return at(1);
    },
  });
  await looked.promise;
  dispatcher.offer(due, at(1));
  dispatcher.offer(due.slice(0, 10), at(1)); // in hand already
  await begun.done;
  expect([looks, begun.all]).toEqual([1, due.map(({ emailId }) => emailId)]);
});

it('looks for those that it had no room for, once the table has them', async () => {
  const due = dueMails(400); // of one mailbox to one domain: too many at once
  const begun = calls(400);
  let table: readonly DueRecipient[] = [];
  let position = 0;
  const dispatcher = start({
    pick: async ({ limit, taken }) => {
      const hand = new Set(taken.map(({ emailId }) => emailId));
      return table.filter(({ emailId }) => !hand.has(emailId)).slice(0, limit);
    },
    attempt: async ({ emailId }) => {
      begun.called(emailId);
      table = table.filter((one) => one.emailId !== emailId);
      position += 1;
      return at(position);
    },
  });
  dispatcher.offer(due, at(0));
  const written = setInterval(() => {
    if (position === 300) table = due.slice(300);
    dispatcher.applied(at(position), null);
  }, 5);
  await begun.done;
  clearInterval(written);
  expect(new Set(begun.all).size).toBe(400);
});

it('looks again for what becomes due later', async () => {
  const [mail] = dueMails(1);
  const begun = calls(1);
  let time = 0;
  const dispatcher = start({
    now: () => time,
    pick: async ({ now }) => (mail !== undefined && now >= 50 ? [mail] : []),
    attempt: async ({ emailId }) => {
      begun.called(emailId);
      return at(2);
    },
  });
  dispatcher.applied(at(1), 50);
  expect(begun.all).toEqual([]);
  time = 50;
  dispatcher.applied(at(1), null);
  await begun.done;
});

it('misses nothing that becomes due while it looks', async () => {
  const [mail] = dueMails(1);
  const begun = calls(1);
  let time = 0;
  start({
    now: () => time,
    pick: async ({ now }) => {
      const found = mail !== undefined && now >= 5 ? [mail] : [];
      time += 10;
      return found;
    },
    nextDue: async (now) => (now < 5 ? 5 : null),
    attempt: async ({ emailId }) => {
      begun.called(emailId);
      return at(1);
    },
  });
  await begun.done;
  expect(begun.all).toEqual([mail?.emailId]);
});
