import type { EmailContent } from '@tidings/contracts/events/email';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { Place } from '@tidings/contracts/events/thread';
import { type BlobId, derivedId, type EmailId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { filed, mailContent } from '../threads/testing/filed.ts';
import { emailIn, emails, emailsOfThread, emailView, type HeldEmail, type PlaceInThread } from './index.ts';

const team = derivedId<MailboxId>('team');
const other = derivedId<MailboxId>('other');
const talk = derivedId<ThreadId>('talk');
const ada = derivedId<UserId>('ada');
const id = (n: number): EmailId => derivedId<EmailId>('email', n);

const received = (n: number): TidingsEvent => ({
  type: 'EmailReceived',
  data: { emailId: id(n), blobId: 'b'.repeat(64) as BlobId, size: 1, recipients: [] },
});
const moved = (numbers: readonly number[], place: Place): TidingsEvent => ({
  type: 'EmailsMoved',
  data: { threadId: talk, mailboxId: team, emailIds: numbers.map(id), place, by: ada },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 2): Promise<Instance> => {
  const instance = await bench.fresh(emails);
  await instance.apply(recorded(events), pageSize);
  return instance;
};
const inThread = async ({ schema }: Instance, places: readonly Place[], after: PlaceInThread | null = null, limit = 25) =>
  bench.read.any(emailsOfThread(schema, { thread: talk, mailbox: team, places, after, limit }));

const placeOf = (held: HeldEmail | undefined): PlaceInThread | null =>
  held === undefined ? null : { at: held.cameAt, position: held.position };

describe('the emails', () => {
  it('keeps what the mail says, and when SMTP took it', async () => {
    const content: EmailContent = { ...mailContent('Hello \u0000 "you" \ud83d'), to: [{ name: null, email: 'Team@tidings.test' }] };
    const envelope = { mailFrom: 'x@y.test', rcptTo: ['team@tidings.test', 'hidden@tidings.test'], helo: 'y', clientAddress: '::1' };
    const instance = await given([received(1), filed({ threadId: talk, mailboxId: team, emailId: id(1), content, envelope })]);
    const [held] = await bench.read.any(emailIn(instance.schema, id(1), [team, other]));
    if (held === undefined) throw new Error('the email is not there');
    expect(held).toMatchObject({ receivedAt: timestamp(Date.UTC(2026, 0, 1, 0, 0, 1)), place: 'inbox', content });
    const named = { name: 'B', email: 'bcc@y.test' };
    const part = { partId: '1', name: null, type: 'text/plain', charset: null, disposition: null, cid: null, size: 2 };
    const details = { sender: [], replyTo: [], bcc: [named], textBody: [part], htmlBody: [], attachments: [] };
    const bodyValues = { '1': { value: 'Hi', isTruncated: false } };
    expect(emailView(held, { details, bodyValues })).toMatchObject({
      subject: content.subject,
      direction: 'in',
      bcc: [named, { name: null, email: 'hidden@tidings.test' }],
      textBody: [{ ...part, blobId: null }],
      bodyValues,
    });
    expect(await bench.read.any(emailIn(instance.schema, id(1), [other]))).toEqual([]);
  });

  it('pages a thread from its first email on, by place', async () => {
    const many = Array.from({ length: 7 }, (_, n) => filed({ threadId: talk, mailboxId: team, emailId: id(n) }));
    const instance = await given(
      [...many, filed({ threadId: talk, mailboxId: other, emailId: id(0) }), moved([1, 3], 'trash'), moved([3], 'spam')],
      3,
    );
    const first = await inThread(instance, ['inbox'], null, 2);
    expect(first.map(({ emailId }) => emailId)).toEqual([id(0), id(2)]);
    const rest = await inThread(instance, ['inbox'], placeOf(first.at(-1)));
    expect(rest.map(({ emailId }) => emailId)).toEqual([id(4), id(5), id(6)]);
    expect((await inThread(instance, ['trash'])).map(({ emailId }) => emailId)).toEqual([id(1)]);
  });

  it('tells which email came with the Message-ID of another one', async () => {
    const mails = [false, true].map((messageIdReused, n) => filed({ threadId: talk, mailboxId: team, emailId: id(n), messageIdReused }));
    const held = await inThread(await given(mails), ['inbox']);
    expect(held.map((one) => emailView(one, null).messageIdReused)).toEqual([false, true]);
  });

  it('keeps the place of an erased email', async () => {
    const instance = await given([filed({ threadId: talk, mailboxId: team, emailId: id(1), content: SHREDDED, envelope: SHREDDED })]);
    const [held] = await inThread(instance, ['inbox']);
    expect(held).toMatchObject({ content: null, envelopeTo: null });
    expect(held && emailView(held, null)).toMatchObject({ subject: '', from: [], bcc: [] });
  });

  it('is the same whatever the pages', async () => {
    const events = [
      received(1),
      filed({ threadId: talk, mailboxId: team, emailId: id(1) }),
      moved([1], 'archive'),
      filed({ threadId: talk, mailboxId: team, emailId: id(2) }),
      moved([1, 2], 'trash'),
    ];
    expect(await (await given(events, 1)).dump()).toEqual(await (await given(events, 500)).dump());
  });
});
