/** Mailboxes with their addresses, and who may do what in each. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxKind, MailboxRole } from '@tidings/contracts/events/mailbox';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { segmentsOf } from '../chat-view/erasure.ts';
import { storable } from '../chat-view/people.ts';

export * from './queries.ts';
export * from './reading.ts';

/** An address is claimed before its mailbox opens, so `address` may name a mailbox that is not there yet. */
const tables = (schema: string): string => `
  create table ${schema}.mailbox (
    mailbox_id uuid primary key,
    kind text not null,
    address text collate "C" not null,
    domain text collate "C" not null,
    name text not null,
    quota_bytes bigint
  );
  create table ${schema}.blocked_sender (
    mailbox_id uuid not null,
    sender text collate "C" not null,
    primary key (mailbox_id, sender)
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
  );
  create table ${schema}.domain_admin (
    domain text collate "C" not null,
    user_id uuid not null,
    primary key (domain, user_id)
  );`;

const indexes = (schema: string): string => `
  create index on ${schema}.member (user_id, mailbox_id);
  create index on ${schema}.mailbox (domain, address, mailbox_id);
  create index on ${schema}.domain_admin (user_id, domain);`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, erased } of segmentsOf(page)) {
    await applySegment(events, tx);
    if (erased !== null) await erase(erased, tx);
  }
};

/** Their own mailbox was closed before. Index member (user_id, mailbox_id). */
const erase = async (user: UserId, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  await tx.query(`delete from ${schema}.member where user_id = $1`, [user]);
  await tx.query(`delete from ${schema}.domain_admin where user_id = $1`, [user]);
};

const applySegment = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const opened = new Map<MailboxId, OpenedMailbox>();
  const addresses = new Map<string, HeldAddress>();
  const renamed = new Map<MailboxId, string>();
  const members = new Map<string, Membership>();
  const admins = new Map<string, DomainAdmin>();
  const closed: MailboxId[] = [];
  const quotas = new Map<MailboxId, number | null>();
  const blocked = new Map<string, Blocked>();
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
    } else if (event.type === 'MailboxQuotaSet') {
      quotas.set(event.data.mailboxId, event.data.bytes);
    } else if (event.type === 'SenderBlocked' || event.type === 'SenderUnblocked') {
      const { mailboxId } = event.data;
      const sender = storable(reveal(event.data.sender, ''));
      if (sender !== '') blocked.set(`${mailboxId} ${sender}`, { mailboxId, sender, isBlocked: event.type === 'SenderBlocked' });
    } else if (event.type === 'MailboxClosed') {
      closed.push(event.data.mailboxId);
    } else if (event.type === 'DomainAdminAdded' || event.type === 'DomainAdminRemoved') {
      const { domain, userId } = event.data;
      admins.set(`${domain} ${userId}`, { domain, userId, isOne: event.type === 'DomainAdminAdded' });
    }
  }
  await saveMailboxes([...opened.values()], tx);
  await saveNames(renamed, tx);
  await saveAddresses([...addresses.values()], tx);
  await saveMembers([...members.values()], tx);
  await saveQuotas(quotas, tx);
  await saveBlocked([...blocked.values()], tx);
  await forget(closed, tx);
  await saveAdmins([...admins.values()], tx);
};

export const mailboxes: Projection = {
  name: 'mailboxes',
  version: 3,
  handles: [
    'AddressClaimed',
    'AddressReleased',
    'MailboxOpened',
    'MailboxRenamed',
    'MailboxMemberSet',
    'MailboxMemberRemoved',
    'SenderBlocked',
    'SenderUnblocked',
    'MailboxQuotaSet',
    'MailboxClosed',
    'DomainAdminAdded',
    'DomainAdminRemoved',
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

interface Blocked {
  readonly mailboxId: MailboxId;
  readonly sender: string;
  readonly isBlocked: boolean;
}

interface DomainAdmin {
  readonly domain: string;
  readonly userId: UserId;
  readonly isOne: boolean;
}

interface Membership {
  readonly mailboxId: MailboxId;
  readonly userId: UserId;
  /** Null when they are no longer a member. */
  readonly role: MailboxRole | null;
}

/** None of them opens again, so this comes behind all else of their page. Primary keys. */
const forget = async (closed: readonly MailboxId[], tx: ProjectionTx): Promise<void> => {
  if (closed.length === 0) return;
  for (const table of ['member', 'address', 'blocked_sender', 'mailbox']) {
    await tx.query(`delete from ${tx.schema}.${table} where mailbox_id = any($1::uuid[])`, [closed]);
  }
};

const saveMailboxes = async (opened: readonly OpenedMailbox[], tx: ProjectionTx): Promise<void> => {
  if (opened.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.mailbox (mailbox_id, kind, address, domain, name)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[])
     on conflict (mailbox_id) do update
     set kind = excluded.kind, address = excluded.address, domain = excluded.domain, name = excluded.name`,
    [
      opened.map((one) => one.mailboxId),
      opened.map((one) => one.kind),
      opened.map((one) => one.address),
      opened.map((one) => one.address.slice(one.address.lastIndexOf('@') + 1)),
      opened.map((one) => one.name),
    ],
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

const saveAdmins = async (admins: readonly DomainAdmin[], tx: ProjectionTx): Promise<void> => {
  const added = admins.filter(({ isOne }) => isOne);
  const removed = admins.filter(({ isOne }) => !isOne);
  if (added.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.domain_admin (domain, user_id) select * from unnest($1::text[], $2::uuid[]) on conflict do nothing`,
      [added.map((one) => one.domain), added.map((one) => one.userId)],
    );
  }
  if (removed.length > 0) {
    await tx.query(`delete from ${tx.schema}.domain_admin where (domain, user_id) in (select * from unnest($1::text[], $2::uuid[]))`, [
      removed.map((one) => one.domain),
      removed.map((one) => one.userId),
    ]);
  }
};

const saveQuotas = async (quotas: ReadonlyMap<MailboxId, number | null>, tx: ProjectionTx): Promise<void> => {
  if (quotas.size === 0) return;
  await tx.query(
    `update ${tx.schema}.mailbox b set quota_bytes = q.bytes
     from (select * from unnest($1::uuid[], $2::bigint[]) as q (mailbox_id, bytes)) q where b.mailbox_id = q.mailbox_id`,
    [[...quotas.keys()], [...quotas.values()]],
  );
};

const saveBlocked = async (senders: readonly Blocked[], tx: ProjectionTx): Promise<void> => {
  const blocked = senders.filter(({ isBlocked }) => isBlocked);
  const free = senders.filter(({ isBlocked }) => !isBlocked);
  if (blocked.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.blocked_sender (mailbox_id, sender) select * from unnest($1::uuid[], $2::text[]) on conflict do nothing`,
      [blocked.map((one) => one.mailboxId), blocked.map((one) => one.sender)],
    );
  }
  if (free.length > 0) {
    await tx.query(`delete from ${tx.schema}.blocked_sender where (mailbox_id, sender) in (select * from unnest($1::uuid[], $2::text[]))`, [
      free.map((one) => one.mailboxId),
      free.map((one) => one.sender),
    ]);
  }
};
