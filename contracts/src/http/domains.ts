/** Mail domains: whose they are to manage, and what DNS must say of them (mail-contract §3). */
import * as t from 'io-ts';
import { int, nullable, oneOf } from '../codec.ts';
import { UserId } from '../ids.ts';
import { Mailbox, mailPageOf } from './mail-objects.ts';
import { LARGEST_MAIL_PAGE } from './mail.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

/** `domain` in any spelling; it is compared in lower case and, with letters outside ASCII, in its ACE form (RFC 5891). */
const domainParams = t.readonly(t.type({ domain: t.string }));
const adminParams = t.readonly(t.type({ domain: t.string, userId: UserId }));

export const MailDomain = t.readonly(t.type({ domain: t.string, mailboxes: int(0) }));
export type MailDomain = t.TypeOf<typeof MailDomain>;

export const DomainAdmin = t.readonly(t.type({ userId: UserId, displayName: t.string }));
export type DomainAdmin = t.TypeOf<typeof DomainAdmin>;

/**
 * A record that mail for the domain needs, beside what DNS says now. `different`: there is one, and it is not what we expect; it may be right
 * all the same. `unknown`: nobody answered. `expected` is null for what we do not ask for yet.
 */
export const DomainRecord = t.readonly(
  t.type({
    kind: oneOf('MX', 'SPF', 'DKIM', 'DMARC', 'MTA-STS'),
    type: oneOf('MX', 'TXT'),
    name: t.string,
    expected: nullable(t.string),
    found: t.readonlyArray(t.string),
    status: oneOf('ok', 'missing', 'different', 'unknown'),
  }),
);
export type DomainRecord = t.TypeOf<typeof DomainRecord>;

export const listDomains = defineRoute({
  id: 'listDomains',
  method: 'GET',
  path: '/api/domains',
  tag: 'Domains',
  summary: 'The mail domains you manage, with how many mailboxes each has. Administrators of the service manage all of them.',
  response: mailPageOf(MailDomain),
});

export const listDomainMailboxes = defineRoute({
  id: 'listDomainMailboxes',
  method: 'GET',
  path: '/api/domains/{domain}/mailboxes',
  tag: 'Domains',
  summary: 'The mailboxes of a domain, by address. For its admins.',
  params: domainParams,
  query: t.partial({ cursor: t.string, limit: intParam(1, LARGEST_MAIL_PAGE) }),
  response: mailPageOf(Mailbox),
  errors: [404],
});

export const listDomainAdmins = defineRoute({
  id: 'listDomainAdmins',
  method: 'GET',
  path: '/api/domains/{domain}/admins',
  tag: 'Domains',
  summary: 'Who manages a domain beside the administrators of the service. For its admins.',
  params: domainParams,
  response: mailPageOf(DomainAdmin),
  errors: [404],
});

export const addDomainAdmin = defineRoute({
  id: 'addDomainAdmin',
  method: 'PUT',
  path: '/api/domains/{domain}/admins/{userId}',
  tag: 'Domains',
  summary:
    'Lets someone manage a domain: open and close its mailboxes, choose their members and addresses. They read no mail by it. For its admins.',
  params: adminParams,
  response: DomainAdmin,
  errors: [404],
});

export const removeDomainAdmin = defineRoute({
  id: 'removeDomainAdmin',
  method: 'DELETE',
  path: '/api/domains/{domain}/admins/{userId}',
  tag: 'Domains',
  summary: 'Takes the management of a domain from someone. For its admins.',
  params: adminParams,
  errors: [404],
});

export const getDomainDns = defineRoute({
  id: 'getDomainDns',
  method: 'GET',
  path: '/api/domains/{domain}/dns',
  tag: 'Domains',
  summary: 'The records that mail for the domain needs, beside what DNS says now. For its admins.',
  params: domainParams,
  response: t.readonly(t.type({ domain: t.string, records: t.readonlyArray(DomainRecord) })),
  errors: [404],
});

export const domainRoutes: readonly Route[] = [
  listDomains,
  listDomainMailboxes,
  listDomainAdmins,
  addDomainAdmin,
  removeDomainAdmin,
  getDomainDns,
];
