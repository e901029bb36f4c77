/** Whom a mailbox writes with: learnt from the emails filed in it, corrected by its members. What they saved or removed wins. */
import { contactEmail, contactIdOf } from '@tidings/contracts/contact-key';
import type { ContactEvent } from '@tidings/contracts/events/contact';
import type { Recorded } from '@tidings/contracts/events/index';
import type { AddressClaimed, AddressReleased, MailboxClosed } from '@tidings/contracts/events/mailbox';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import type { ContactId, MailboxId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { storable } from '../chat-view/people.ts';
import { cameAt } from '../threads/fold.ts';
import { wordsOf } from './words.ts';

export * from './queries.ts';

/** `own` are the mailbox's own addresses, which are no contacts of its. */
const tables = (schema: string): string => `
  create table ${schema}.contact (
    mailbox_id uuid not null,
    email text collate "C" not null,
    contact_id uuid not null,
    learnt_name text,
    saved_name text,
    state text not null,
    times int not null,
    last_seen_at timestamptz,
    words text not null,
    saved_words text not null,
    primary key (mailbox_id, email)
  );
  create unique index contact_by_id on ${schema}.contact (mailbox_id, contact_id);
  create table ${schema}.own (
    mailbox_id uuid not null,
    email text collate "C" not null,
    primary key (mailbox_id, email)
  );`;

interface Learnt {
  readonly mailboxId: MailboxId;
  readonly email: string;
  readonly name: string | null;
  readonly times: number;
  readonly lastSeenAt: Timestamp;
}

interface Edited {
  readonly mailboxId: MailboxId;
  readonly contactId: ContactId;
  /** Null when it was removed. */
  readonly saved: { readonly email: string; readonly name: string | null } | null;
}

interface Own {
  readonly mailboxId: MailboxId;
  readonly email: string;
  readonly isHeld: boolean;
}

/** A mailing to thousands teaches a mailbox nobody new. */
const MOST_OF_ONE_EMAIL = 100;
const LONGEST_NAME = 200;

type ContactFact = EmailFiled | ContactEvent | AddressClaimed | AddressReleased | MailboxClosed;

const isContactEvent = (event: Recorded): event is Recorded<ContactFact> => contacts.handles.includes(event.type);

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const learnt = new Map<string, Learnt>();
  const edited = new Map<ContactId, Edited>();
  const own = new Map<string, Own>();
  const closed: MailboxId[] = [];
  for (const event of page.filter(isContactEvent)) {
    switch (event.type) {
      case 'EmailFiled':
        learn(event, learnt);
        break;
      case 'ContactSaved': {
        const { mailboxId, contactId, email, name } = event.data;
        if (isShredded(email) || isShredded(name)) break;
        edited.set(contactId, { mailboxId, contactId, saved: { email, name: name === null ? null : storable(name) } });
        break;
      }
      case 'ContactRemoved':
        edited.set(event.data.contactId, { ...event.data, saved: null });
        break;
      case 'AddressClaimed':
      case 'AddressReleased': {
        const { mailboxId } = event.data;
        const email = contactEmail(reveal(event.data.address, ''));
        if (email !== null) own.set(`${mailboxId} ${email}`, { mailboxId, email, isHeld: event.type === 'AddressClaimed' });
        break;
      }
      case 'MailboxClosed':
        closed.push(event.data.mailboxId);
        break;
    }
  }
  await saveLearnt([...learnt.values()], tx);
  await saveEdited([...edited.values()], tx);
  await saveOwn([...own.values()], tx);
  await forget(closed, tx);
};

/** From everyone that a header names; junk teaches nothing. */
const learn = (event: Recorded<EmailFiled>, learnt: Map<string, Learnt>): void => {
  const { mailboxId, content, place, movedFrom } = event.data;
  const at = cameAt(event);
  if (isShredded(content) || place === 'spam' || movedFrom !== undefined) return; // what was split off taught already
  const people = new Map<string, string | null>();
  for (const { name, email: written } of [...content.from, ...content.to, ...content.cc].slice(0, MOST_OF_ONE_EMAIL)) {
    const email = contactEmail(written);
    if (email === null) continue;
    const shown = name === null ? null : storable(name).trim().slice(0, LONGEST_NAME).toWellFormed();
    people.set(email, (shown === '' ? null : shown) ?? people.get(email) ?? null);
  }
  for (const [email, name] of people) {
    const key = `${mailboxId} ${email}`;
    const before = learnt.get(key);
    const lastSeenAt = before !== undefined && before.lastSeenAt > at ? before.lastSeenAt : at;
    learnt.set(key, { mailboxId, email, name: name ?? before?.name ?? null, times: (before?.times ?? 0) + 1, lastSeenAt });
  }
};

export const contacts: Projection = {
  name: 'contacts',
  version: 1,
  handles: ['EmailFiled', 'ContactSaved', 'ContactRemoved', 'AddressClaimed', 'AddressReleased', 'MailboxClosed'],
  tables,
  apply,
};

const saveLearnt = async (learnt: readonly Learnt[], tx: ProjectionTx): Promise<void> => {
  if (learnt.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.contact as c
       (mailbox_id, email, contact_id, learnt_name, state, times, last_seen_at, words, saved_words)
     select mailbox_id, email, contact_id, name, 'learnt', times, last_seen_at, words, ''
     from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::int[], $6::timestamptz[], $7::text[])
       as l (mailbox_id, email, contact_id, name, times, last_seen_at, words)
     on conflict (mailbox_id, email) do update set
       learnt_name = coalesce(excluded.learnt_name, c.learnt_name),
       words = case when excluded.learnt_name is null then c.words else excluded.words end,
       times = c.times + excluded.times,
       last_seen_at = greatest(c.last_seen_at, excluded.last_seen_at)`,
    [
      learnt.map((one) => one.mailboxId),
      learnt.map((one) => one.email),
      learnt.map((one) => contactIdOf(one.mailboxId, one.email)),
      learnt.map((one) => one.name),
      learnt.map((one) => one.times),
      learnt.map((one) => one.lastSeenAt),
      learnt.map((one) => wordsOf(one.name, one.email)),
    ],
  );
};

const saveEdited = async (edited: readonly Edited[], tx: ProjectionTx): Promise<void> => {
  const saved = edited.flatMap((one) => (one.saved === null ? [] : [{ ...one, ...one.saved }]));
  const removed = edited.filter((one) => one.saved === null);
  if (saved.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.contact (mailbox_id, email, contact_id, saved_name, state, times, words, saved_words)
       select mailbox_id, email, contact_id, name, 'saved', 0, words, words
       from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[]) as s (mailbox_id, email, contact_id, name, words)
       on conflict (mailbox_id, email) do update set
         saved_name = excluded.saved_name, saved_words = excluded.saved_words, state = 'saved'`,
      [
        saved.map((one) => one.mailboxId),
        saved.map((one) => one.email),
        saved.map((one) => one.contactId),
        saved.map((one) => one.name),
        saved.map((one) => wordsOf(one.name, one.email)),
      ],
    );
  }
  if (removed.length > 0) {
    await tx.query(
      `update ${tx.schema}.contact set state = 'removed', saved_name = null, saved_words = ''
       where (mailbox_id, contact_id) in (select * from unnest($1::uuid[], $2::uuid[]))`,
      [removed.map((one) => one.mailboxId), removed.map((one) => one.contactId)],
    );
  }
};

const saveOwn = async (own: readonly Own[], tx: ProjectionTx): Promise<void> => {
  const held = own.filter(({ isHeld }) => isHeld);
  const given = own.filter(({ isHeld }) => !isHeld);
  if (held.length > 0) {
    await tx.query(`insert into ${tx.schema}.own (mailbox_id, email) select * from unnest($1::uuid[], $2::text[]) on conflict do nothing`, [
      held.map((one) => one.mailboxId),
      held.map((one) => one.email),
    ]);
  }
  if (given.length > 0) {
    await tx.query(`delete from ${tx.schema}.own where (mailbox_id, email) in (select * from unnest($1::uuid[], $2::text[]))`, [
      given.map((one) => one.mailboxId),
      given.map((one) => one.email),
    ]);
  }
};

/** Primary keys. */
const forget = async (closed: readonly MailboxId[], tx: ProjectionTx): Promise<void> => {
  if (closed.length === 0) return;
  for (const table of ['contact', 'own']) {
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
  }
};
