import { contactIdOf } from '@tidings/contracts/contact-key';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { Place } from '@tidings/contracts/events/thread';
import { derivedId, type BlobId, type EmailId, type MailboxId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import { contactById, contacts, contactsIn, contactsLike } from './index.ts';

const box = derivedId<MailboxId>('box');
const other = derivedId<MailboxId>('other');
const by = derivedId<UserId>('ada');
const blobId = 'a'.repeat(64) as BlobId;
type People = readonly (readonly [email: string, name: string | null])[];

let number = 0;
const filed = (mailboxId: MailboxId, from: People, to: People = [], place: Place = 'inbox'): TidingsEvent => {
  number += 1;
  const addresses = (people: People) => people.map(([email, name]) => ({ email, name }));
  return {
    type: 'EmailFiled',
    data: {
      threadId: derivedId<ThreadId>('thread', number),
      mailboxId,
      emailId: derivedId<EmailId>('email', number),
      blobId,
      bodyBlobId: blobId,
      size: 1,
      direction: 'in',
      place,
      startsThread: true,
      messageIdReused: false,
      envelope: null,
      content: {
        messageId: null,
        inReplyTo: [],
        references: [],
        from: addresses(from),
        to: addresses(to),
        cc: [],
        subject: '',
        sentAt: null,
        preview: '',
        hasAttachments: false,
      },
    },
  };
};
const saved = (email: string, name: string | null): TidingsEvent => ({
  type: 'ContactSaved',
  data: { mailboxId: box, contactId: contactIdOf(box, email), email, name, by },
});
const removed = (email: string): TidingsEvent => ({
  type: 'ContactRemoved',
  data: { mailboxId: box, contactId: contactIdOf(box, email), by },
});

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 2): Promise<Instance> => {
  const instance = await bench.fresh(contacts);
  await instance.apply(recorded(events), pageSize);
  return instance;
};

describe('contacts', () => {
  const story = [
    { type: 'AddressClaimed', data: { mailboxId: box, address: 'desk@tidings.test' } } as const,
    filed(
      box,
      [['Ann@Elsewhere.test', 'Ann Other']],
      [
        ['desk@tidings.test', 'Desk'],
        ['zoé@town.test', null],
      ],
    ),
    filed(box, [['ann@elsewhere.test', null]]),
    filed(box, [['ann@elsewhere.test', 'Ann O.']]),
    filed(box, [['junk@spam.test', 'Rich']], [], 'spam'),
    filed(box, [['no address', 'Nobody']]),
    filed(other, [['bob@town.test', 'Bob']]),
  ];

  it('are learnt from what is filed, without junk and without oneself', async () => {
    const { schema } = await given(story);
    const found = await bench.read.any(contactsIn(schema, box, null, 10));
    expect(found.map(({ email, name, times, saved: isSaved }) => [email, name, times, isSaved])).toEqual([
      ['ann@elsewhere.test', 'Ann O.', 3, false],
      ['zoé@town.test', null, 1, false],
    ]);
    expect((await bench.read.any(contactsIn(schema, box, 'ann@elsewhere.test', 10))).map(({ email }) => email)).toEqual(['zoé@town.test']);
    expect(found[0]?.lastSeenAt).toMatch(/^\d{4}-.*Z$/);
  });

  it('are called what somebody saved, whatever mail says before or after', async () => {
    for (const pageSize of [1, 500]) {
      const { schema } = await given([...story, saved('ann@elsewhere.test', 'Annie'), filed(box, [['ann@elsewhere.test', 'X']])], pageSize);
      expect(await bench.read.any(contactById(schema, box, contactIdOf(box, 'ann@elsewhere.test')))).toMatchObject([
        { name: 'Annie', saved: true, times: 4 },
      ]);
    }
    const { schema } = await given([saved('new@town.test', null), filed(box, [['new@town.test', 'New']])]);
    expect(await bench.read.any(contactsIn(schema, box, null, 10))).toMatchObject([{ name: null, saved: true, times: 1 }]);
  });

  it('stay away once removed, until somebody saves them', async () => {
    const gone = [...story, removed('ann@elsewhere.test'), filed(box, [['ann@elsewhere.test', 'Ann']])];
    for (const pageSize of [1, 500]) {
      expect(await bench.read.any(contactById((await given(gone, pageSize)).schema, box, contactIdOf(box, 'ann@elsewhere.test')))).toEqual(
        [],
      );
    }
    const { schema } = await given([...gone, saved('ann@elsewhere.test', 'Back')]);
    expect(await bench.read.any(contactsLike(schema, box, 'back', 10))).toMatchObject([{ name: 'Back', times: 4 }]);
  });

  it('are found by the beginnings of their words, the usual ones first', async () => {
    const { schema } = await given([...story, filed(box, [['anna@town.test', 'Élodie Annan']]), saved('o_k@town.test', '100% ok')]);
    const like = async (typed: string): Promise<readonly string[]> =>
      (await bench.read.any(contactsLike(schema, box, typed, 10))).map(({ email }) => email);
    expect(await like('ann')).toEqual(['ann@elsewhere.test', 'anna@town.test']);
    expect(await like('elod')).toEqual(['anna@town.test']);
    expect(await like('ÉLODIE ann')).toEqual(['anna@town.test']);
    expect(await like('zoe')).toEqual(['zoé@town.test']);
    expect(await like('elsewhere')).toEqual(['ann@elsewhere.test']);
    expect(await like('ann@else')).toEqual(['ann@elsewhere.test']);
    expect(await like('nn')).toEqual([]);
    expect(await like('%')).toEqual([]);
    expect(await like('o_k')).toEqual(['o_k@town.test']);
    expect(await like('oxk')).toEqual([]);
    expect(await like('bob')).toEqual([]);
  });

  it('go with their mailbox, and none comes of what is erased', async () => {
    const { schema } = await given([...story, { type: 'MailboxClosed', data: { mailboxId: box, by } }]);
    expect(await bench.read.any(contactsIn(schema, box, null, 10))).toEqual([]);
    expect(await bench.read.any(contactsIn(schema, other, null, 10))).toHaveLength(1);
    const erased = saved('x@town.test', 'X');
    const shredded = { ...erased, data: { ...erased.data, email: SHREDDED, name: SHREDDED } } as TidingsEvent; // as it is read once the key is gone
    expect(await bench.read.any(contactsIn((await given([shredded])).schema, box, null, 10))).toEqual([]);
  });

  it('are the same whatever the pages', async () => {
    const events = [...story, saved('ann@elsewhere.test', 'A'), removed('zoé@town.test'), ...story, saved('zoé@town.test', 'Z')];
    expect(await (await given(events, 1)).dump()).toEqual(await (await given(events, 500)).dump());
  });
});
