/** What readers ask of mailboxes. */
import { nullable } from '@tidings/contracts/codec';
import { MailboxKind, MailboxRole } from '@tidings/contracts/events/mailbox';
import { MailboxId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const MailboxRow = t.readonly(
  t.type({
    id: MailboxId,
    kind: MailboxKind,
    address: t.string,
    aliases: t.readonlyArray(t.string),
    name: t.string,
    /** The asking user's. */
    role: nullable(MailboxRole),
  }),
);
export type MailboxRow = t.TypeOf<typeof MailboxRow>;

/** Aliases and the user's role by primary keys. */
const select = (schema: string, user: UserId): FragmentSqlToken => sql.fragment`
  select b.mailbox_id as id, b.kind, b.address, b.name, m.role,
    array(
      select a.address from ${tableIn(schema, 'address')} a where a.mailbox_id = b.mailbox_id and a.address <> b.address order by a.address
    ) as aliases
  from ${tableIn(schema, 'mailbox')} b
  left join ${tableIn(schema, 'member')} m on m.mailbox_id = b.mailbox_id and m.user_id = ${user}`;

/** One mailbox, whoever asks; no row when there is none. */
export const mailboxById = (schema: string, user: UserId, mailbox: MailboxId) =>
  sql.type(rows(MailboxRow))`${select(schema, user)} where b.mailbox_id = ${mailbox}`;

export interface AddressPage {
  /** The last one of the page before. */
  readonly after: { readonly address: string; readonly id: MailboxId } | null;
  readonly limit: number;
}

/** The mailboxes `user` is a member of, by address; all of them without a page. Index member (user_id, mailbox_id). */
export const mailboxesOf = (schema: string, user: UserId, page: AddressPage | null = null) => sql.type(rows(MailboxRow))`
  ${select(schema, user)} where m.role is not null
  ${page === null || page.after === null ? sql.fragment`` : sql.fragment`and (b.address, b.mailbox_id) > (${page.after.address}, ${page.after.id}::uuid)`}
  order by b.address, b.mailbox_id ${page === null ? sql.fragment`` : sql.fragment`limit ${page.limit}`}`;

const RoleRow = t.readonly(t.type({ mailboxId: MailboxId, role: MailboxRole }));

/** Every role of `user`, to be joined with what mailboxes hold. Index member (user_id, mailbox_id). */
export const rolesOf = (schema: string, user: UserId) =>
  sql.type(
    rows(RoleRow),
  )`select mailbox_id as "mailboxId", role from ${tableIn(schema, 'member')} where user_id = ${user} order by mailbox_id`;

/** `role` is the user's, null when they have none; no row when there is no such mailbox. Primary keys. */
export const roleIn = (schema: string, user: UserId, mailbox: MailboxId) => sql.type(
  rows(t.readonly(t.type({ role: nullable(MailboxRole), isItsDomainAdmin: t.boolean }))),
)`select m.role, a.user_id is not null as "isItsDomainAdmin" from ${tableIn(schema, 'mailbox')} b
  left join ${tableIn(schema, 'member')} m on m.mailbox_id = b.mailbox_id and m.user_id = ${user}
  left join ${tableIn(schema, 'domain_admin')} a on a.domain = b.domain and a.user_id = ${user}
  where b.mailbox_id = ${mailbox}`;

/** Its main address and its aliases. Primary keys. */
export const addressesOf = (schema: string, mailbox: MailboxId) => sql.type(rows(t.readonly(t.type({ address: t.string }))))`
  select address from ${tableIn(schema, 'mailbox')} where mailbox_id = ${mailbox}
  union select address from ${tableIn(schema, 'address')} where mailbox_id = ${mailbox}`;

const MemberRow = t.readonly(t.type({ userId: UserId, role: MailboxRole }));

/** Members by id, behind `after`. Primary key of member. */
export const membersIn = (schema: string, mailbox: MailboxId, after: UserId | null, limit: number) => sql.type(rows(MemberRow))`
  select user_id as "userId", role from ${tableIn(schema, 'member')}
  where mailbox_id = ${mailbox} ${after === null ? sql.fragment`` : sql.fragment`and user_id > ${after}`}
  order by user_id limit ${limit}`;

/** The mailboxes of a domain by address, as `user` sees them. Index mailbox (domain, address, mailbox_id). */
export const mailboxesIn = (schema: string, user: UserId, domain: string, page: AddressPage) => sql.type(rows(MailboxRow))`
  ${select(schema, user)} where b.domain = ${domain}
  ${page.after === null ? sql.fragment`` : sql.fragment`and (b.address, b.mailbox_id) > (${page.after.address}, ${page.after.id}::uuid)`}
  order by b.address, b.mailbox_id limit ${page.limit}`;

/** The domains that `user` was made an admin of. Index domain_admin (user_id, domain). */
export const domainsOf = (schema: string, user: UserId) =>
  sql.type(
    rows(t.readonly(t.type({ domain: t.string }))),
  )`select domain from ${tableIn(schema, 'domain_admin')} where user_id = ${user} order by domain`;

/** Primary key of domain_admin. */
export const adminsOf = (schema: string, domain: string) =>
  sql.type(
    rows(t.readonly(t.type({ userId: UserId }))),
  )`select user_id as "userId" from ${tableIn(schema, 'domain_admin')} where domain = ${domain} order by user_id`;

/** How many mailboxes each of these domains has. Index mailbox (domain, address, mailbox_id). */
export const mailboxesPerDomain = (schema: string, domains: readonly string[]) => sql.type(
  rows(t.readonly(t.type({ domain: t.string, mailboxes: t.number }))),
)`select domain, count(*)::int as mailboxes from ${tableIn(schema, 'mailbox')}
  where domain = any(${sql.array(domains, 'text')}) group by domain`;

/** `quotaBytes` is null for a mailbox without one of its own; no row when there is no such mailbox. Primary key. */
export const limitsOf = (schema: string, mailbox: MailboxId) =>
  sql.type(
    rows(t.readonly(t.type({ quotaBytes: nullable(t.number) }))),
  )`select quota_bytes::float8 as "quotaBytes" from ${tableIn(schema, 'mailbox')} where mailbox_id = ${mailbox}`;

/** Addresses and domains. Primary key of blocked_sender. */
export const blockedSendersOf = (schema: string, mailbox: MailboxId) =>
  sql.type(
    rows(t.readonly(t.type({ sender: t.string }))),
  )`select sender from ${tableIn(schema, 'blocked_sender')} where mailbox_id = ${mailbox} order by sender`;
