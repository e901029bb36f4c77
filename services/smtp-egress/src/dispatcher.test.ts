import { derivedId, type EmailId, type MailboxId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { expect, it } from 'vitest';
import { startDispatcher } from './dispatcher.ts';
import type { DueRecipient } from './due-table.ts';

const mailboxId = derivedId<MailboxId>('dispatcher-test', 0);
const due = Array.from({ length: 40 }, (_, n): DueRecipient => {
  return { emailId: derivedId<EmailId>('dispatcher-test', n), recipient: 0, mailboxId, domain: 'example.org', queuedAt: 0 };
});

it('looks for what is due when it has nothing more to begin, and now and then before', async () => {
  const looks: number[] = [];
  const begun: EmailId[] = [];
  const stopping = new AbortController();
  let time = 0;
  const done = new Promise<void>((resolve) => {
    const dispatcher = startDispatcher({
      ...{ shard: 0, now: () => 0, elapsed: () => time, sessions: 4, sessionsPerRoute: 4, signal: stopping.signal },
      routeOf: (domain) => domain,
      pick: async () => {
        looks.push(begun.length);
        return due.slice(0, looks.length === 1 ? 30 : 40);
      },
      nextDue: async () => null,
      attempt: async ({ emailId }) => {
        begun.push(emailId);
        if (begun.length === 20) time = 25; // of those in hand some wait still
        if (begun.length === 40) resolve();
        return '1' as Position; // never applied, so all of it stays in hand
      },
      onError: (error) => {
        throw error;
      },
    });
    void dispatcher.over;
  });
  await done;
  stopping.abort();
  expect(begun).toEqual(due.map(({ emailId }) => emailId));
  const [first, second, ...more] = looks;
  expect([first, more.every((at) => at >= 40)]).toEqual([0, true]);
  expect(second).toBeGreaterThanOrEqual(20);
  expect(second).toBeLessThan(30);
});
