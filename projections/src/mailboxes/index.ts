/** Mailboxes with their addresses, and who may do what in each. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxKind, MailboxRole } from '@tidings/contracts/events/mailbox';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { segmentsOf } from '../chat-view/erasure.ts';
import { ERASED_NAME, storable } from '../chat-view/people.ts';

export * from './queries.ts';
export * from './reading.ts';

/** An address is claimed before its mailbox opens, so `address` may name a mailbox that is not there yet. */
const tables = (schema: string): string => `
  create table ${schema}.mailbox (
    mailbox_id uuid primary key,
    kind text not null,
    address text collate "C" not null,
    name text not null
  );
  create table ${schema}.address (
    mailbox_id uuid not null,
    address text collate "C" not null,
    primary key (mailbox_id, address)
  );
  create table ${schema}.member (
    mailbox_id uuid not null,
    user_id uuid not null,
    role text not null,
    primary key (mailbox_id, user_id)
  );`;

const indexes = (schema: string): string => `create index on ${schema}.member (user_id, mailbox_id);`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, erased } of segmentsOf(page)) {
    await applySegment(events, tx);
    if (erased !== null) await erase(erased, tx);
  }
};

/** Their own mailbox bears their name. Index member (user_id, mailbox_id). */
const erase = async (user: UserId, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  await tx.query(
    `update ${schema}.mailbox set name = $2
     where kind = 'personal' and mailbox_id in (select mailbox_id from ${schema}.member where user_id = $1)`,
    [user, ERASED_NAME],
  );
  await tx.query(`delete from ${schema}.member where user_id = $1`, [user]);
};

const applySegment = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const opened = new Map<MailboxId, OpenedMailbox>();
  const addresses = new Map<string, HeldAddress>();
  const renamed = new Map<MailboxId, string>();
  const members = new Map<string, Membership>();
  for (const event of page) {
    if (event.type === 'MailboxOpened') {
      const { mailboxId, kind, address, name } = event.data;
      opened.set(mailboxId, { mailboxId, kind, address: storable(reveal(address, '')), name: storable(reveal(name, '')) });
    } else if (event.type === 'MailboxRenamed') {
      renamed.set(event.data.mailboxId, storable(reveal(event.data.name, '')));
    } else if (event.type === 'AddressClaimed' || event.type === 'AddressReleased') {
      const { mailboxId } = event.data;
      const address = storable(reveal(event.data.address, ''));
      // Of an erased mailbox nothing is left to show.
      if (address !== '') addresses.set(`${mailboxId} ${address}`, { mailboxId, address, isHeld: event.type === 'AddressClaimed' });
    } else if (event.type === 'MailboxMemberSet' || event.type === 'MailboxMemberRemoved') {
      const { mailboxId, userId } = event.data;
      const role = event.type === 'MailboxMemberSet' ? event.data.role : null;
      members.set(`${mailboxId} ${userId}`, { mailboxId, userId, role });
    }
  }
  await saveMailboxes([...opened.values()], tx);
  await saveNames(renamed, tx);
  await saveAddresses([...addresses.values()], tx);
  await saveMembers([...members.values()], tx);
};

export const mailboxes: Projection = {
  name: 'mailboxes',
  version: 2,
  handles: [
    'AddressClaimed',
    'AddressReleased',
    'MailboxOpened',
    'MailboxRenamed',
    'MailboxMemberSet',
    'MailboxMemberRemoved',
    'SubjectErased',
  ],
  tables,
  indexes,
  apply,
};

interface OpenedMailbox {
  readonly mailboxId: MailboxId;
  readonly kind: MailboxKind;
  readonly address: string;
  readonly name: string;
}

interface HeldAddress {
  readonly mailboxId: MailboxId;
  readonly address: string;
  /** False when it was given up. */
  readonly isHeld: boolean;
}

interface Membership {
  readonly mailboxId: MailboxId;
  readonly userId: UserId;
  /** Null when they are no longer a member. */
  readonly role: MailboxRole | null;
}

const saveMailboxes = async (opened: readonly OpenedMailbox[], tx: ProjectionTx): Promise<void> => {
  if (opened.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.mailbox (mailbox_id, kind, address, name)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
     on conflict (mailbox_id) do update set kind = excluded.kind, address = excluded.address, name = excluded.name`,
    [opened.map((one) => one.mailboxId), opened.map((one) => one.kind), opened.map((one) => one.address), opened.map((one) => one.name)],
  );
};

const saveNames = async (renamed: ReadonlyMap<MailboxId, string>, tx: ProjectionTx): Promise<void> => {
  if (renamed.size === 0) return;
  await tx.query(
    `update ${tx.schema}.mailbox b set name = n.name
     from (select * from unnest($1::uuid[], $2::text[]) as n (mailbox_id, name)) n where b.mailbox_id = n.mailbox_id`,
    [[...renamed.keys()], [...renamed.values()]],
  );
};

const saveAddresses = async (addresses: readonly HeldAddress[], tx: ProjectionTx): Promise<void> => {
  const held = addresses.filter(({ isHeld }) => isHeld);
  const given = addresses.filter(({ isHeld }) => !isHeld);
  if (held.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.address (mailbox_id, address) select * from unnest($1::uuid[], $2::text[]) on conflict do nothing`,
      [held.map((one) => one.mailboxId), held.map((one) => one.address)],
    );
  }
  if (given.length > 0) {
    await tx.query(`delete from ${tx.schema}.address where (mailbox_id, address) in (select * from unnest($1::uuid[], $2::text[]))`, [
      given.map((one) => one.mailboxId),
      given.map((one) => one.address),
    ]);
  }
};

const saveMembers = async (members: readonly Membership[], tx: ProjectionTx): Promise<void> => {
  const kept = members.filter(({ role }) => role !== null);
  const gone = members.filter(({ role }) => role === null);
  if (kept.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.member (mailbox_id, user_id, role) select * from unnest($1::uuid[], $2::uuid[], $3::text[])
       on conflict (mailbox_id, user_id) do update set role = excluded.role`,
      [kept.map((one) => one.mailboxId), kept.map((one) => one.userId), kept.map((one) => one.role)],
    );
  }
  if (gone.length > 0) {
    await tx.query(`delete from ${tx.schema}.member where (mailbox_id, user_id) in (select * from unnest($1::uuid[], $2::uuid[]))`, [
      gone.map((one) => one.mailboxId),
      gone.map((one) => one.userId),
    ]);
  }
};
