/** Stream `domain-<derived from its name>`: who manages a mail domain beside the administrators of the service. */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { UserId } from '../ids.ts';
import { defineEvent, type EventOf } from './definition.ts';

const admin = t.readonly(t.type({ domain: text(1, 253), userId: UserId, by: UserId }));

export const DomainAdminAdded = defineEvent({
  type: 'DomainAdminAdded',
  doc: 'A user manages a mail domain: its mailboxes, their members and addresses, and its other admins.',
  data: admin,
});
export type DomainAdminAdded = EventOf<typeof DomainAdminAdded>;

export const DomainAdminRemoved = defineEvent({
  type: 'DomainAdminRemoved',
  doc: 'A user no longer manages a mail domain.',
  data: admin,
});
export type DomainAdminRemoved = EventOf<typeof DomainAdminRemoved>;

export const domainEvents = [DomainAdminAdded, DomainAdminRemoved] as const;
export type DomainEvent = EventOf<(typeof domainEvents)[number]>;
