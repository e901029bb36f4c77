import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { MailboxRole } from '@tidings/contracts/events/mailbox';
import { derivedId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openProjectionBench, recorded, type Instance, type RunningProjection } from '../../../tests/kit/projection.ts';
import {
  adminsOf,
  blockedSendersOf,
  limitsOf,
  domainsOf,
  mailboxById,
  mailboxes,
  mailboxesIn,
  mailboxesOf,
  mailboxesPerDomain,
  membersIn,
  roleIn,
  rolesOf,
} from './index.ts';

const ada = derivedId<UserId>('ada');
const bob = derivedId<UserId>('bob');
const sales = derivedId<MailboxId>('sales');
const own = derivedId<MailboxId>('ada');

const claimed = (mailboxId: MailboxId, address: string): TidingsEvent => ({ type: 'AddressClaimed', data: { mailboxId, address } });
const opened = (mailboxId: MailboxId, kind: 'personal' | 'shared', address: string): TidingsEvent => ({
  type: 'MailboxOpened',
  data: { mailboxId, kind, address, name: address.split('@', 1)[0] ?? '' },
});
const set = (mailboxId: MailboxId, userId: UserId, role: MailboxRole): TidingsEvent => ({
  type: 'MailboxMemberSet',
  data: { mailboxId, userId, role },
});
const removed = (mailboxId: MailboxId, userId: UserId): TidingsEvent => ({ type: 'MailboxMemberRemoved', data: { mailboxId, userId } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 2): Promise<Instance> => {
  const instance = await bench.fresh(mailboxes);
  await instance.apply(recorded(events), pageSize);
  return instance;
};

const story = [
  claimed(own, 'ada@tidings.test'),
  opened(own, 'personal', 'ada@tidings.test'),
  set(own, ada, 'admin'),
  claimed(sales, 'sales@tidings.test'),
  opened(sales, 'shared', 'sales@tidings.test'),
  set(sales, ada, 'admin'),
  set(sales, bob, 'viewer'),
  claimed(sales, 'orders@tidings.test'),
  set(sales, bob, 'sender'),
];

describe('the mailboxes', () => {
  it('lists those of a user by address, with their role and aliases', async () => {
    const { schema } = await given(story);
    const found = await bench.read.any(mailboxesOf(schema, ada));
    expect(found).toEqual([
      { id: own, kind: 'personal', address: 'ada@tidings.test', aliases: [], name: 'ada', role: 'admin' },
      { id: sales, kind: 'shared', address: 'sales@tidings.test', aliases: ['orders@tidings.test'], name: 'sales', role: 'admin' },
    ]);
    expect(await bench.read.any(mailboxesOf(schema, ada, { after: { address: 'ada@tidings.test', id: own }, limit: 5 }))).toEqual([
      found[1],
    ]);
    expect(await bench.read.any(mailboxesOf(schema, bob))).toMatchObject([{ id: sales, role: 'sender' }]);
  });

  it('tells roles and members, and forgets who was removed', async () => {
    const { schema } = await given([...story, removed(sales, ada)]);
    expect(await bench.read.any(rolesOf(schema, ada))).toEqual([{ mailboxId: own, role: 'admin' }]);
    expect(await bench.read.any(membersIn(schema, sales, null, 10))).toEqual([{ userId: bob, role: 'sender' }]);
    expect(await bench.read.any(roleIn(schema, ada, sales))).toEqual([{ role: null, isItsDomainAdmin: false }]);
    expect(await bench.read.any(roleIn(schema, ada, derivedId<MailboxId>('nowhere')))).toEqual([]);
  });

  it('shows another name, and no address that was given up', async () => {
    const changes: readonly TidingsEvent[] = [
      { type: 'AddressReleased', data: { mailboxId: sales, address: 'orders@tidings.test' } },
      { type: 'MailboxRenamed', data: { mailboxId: sales, name: 'Shop' } },
      claimed(own, 'orders@tidings.test'),
    ];
    for (const pageSize of [1, 500]) {
      const { schema } = await given([...story, ...changes], pageSize);
      expect(await bench.read.any(mailboxesOf(schema, ada))).toMatchObject([
        { id: own, aliases: ['orders@tidings.test'] },
        { id: sales, aliases: [], name: 'Shop' },
      ]);
    }
  });

  it('knows domains, their mailboxes and their admins', async () => {
    const admin = (type: 'DomainAdminAdded' | 'DomainAdminRemoved', userId: UserId): TidingsEvent => ({
      type,
      data: { domain: 'tidings.test', userId, by: ada },
    });
    const { schema } = await given([
      ...story,
      admin('DomainAdminAdded', bob),
      admin('DomainAdminAdded', ada),
      admin('DomainAdminRemoved', ada),
    ]);
    expect(await bench.read.any(adminsOf(schema, 'tidings.test'))).toEqual([{ userId: bob }]);
    expect(await bench.read.any(domainsOf(schema, bob))).toEqual([{ domain: 'tidings.test' }]);
    expect(await bench.read.any(roleIn(schema, bob, own))).toEqual([{ role: null, isItsDomainAdmin: true }]);
    expect(await bench.read.any(mailboxesPerDomain(schema, ['tidings.test', 'other.test']))).toEqual([
      { domain: 'tidings.test', mailboxes: 2 },
    ]);
    const page = { after: { address: 'ada@tidings.test', id: own }, limit: 5 };
    expect(await bench.read.any(mailboxesIn(schema, bob, 'tidings.test', page))).toMatchObject([{ id: sales, role: 'sender' }]);
  });

  it('knows quotas, and senders that are blocked', async () => {
    const block = (type: 'SenderBlocked' | 'SenderUnblocked', sender: string): TidingsEvent => ({
      type,
      data: { mailboxId: sales, sender, by: ada },
    });
    const limits: readonly TidingsEvent[] = [
      block('SenderBlocked', 'spam.test'),
      block('SenderBlocked', 'ann@town.test'),
      block('SenderUnblocked', 'spam.test'),
      { type: 'MailboxQuotaSet', data: { mailboxId: sales, bytes: 9_000_000_000, by: ada } },
    ];
    for (const pageSize of [1, 500]) {
      const { schema } = await given([...story, ...limits], pageSize);
      expect(await bench.read.any(blockedSendersOf(schema, sales))).toEqual([{ sender: 'ann@town.test' }]);
      expect(await bench.read.any(limitsOf(schema, sales))).toEqual([{ quotaBytes: 9_000_000_000 }]);
      expect(await bench.read.any(limitsOf(schema, own))).toEqual([{ quotaBytes: null }]);
    }
  });

  it('has nothing of a mailbox that was closed', async () => {
    const closed: TidingsEvent = { type: 'MailboxClosed', data: { mailboxId: sales, by: ada } };
    for (const pageSize of [1, 500]) {
      const { schema } = await given([...story, closed], pageSize);
      expect(await bench.read.any(mailboxesOf(schema, ada))).toMatchObject([{ id: own }]);
      expect(await bench.read.any(roleIn(schema, bob, sales))).toEqual([]);
      expect(await bench.read.any(membersIn(schema, sales, null, 10))).toEqual([]);
    }
  });

  it('copes with erased mailboxes', async () => {
    const { schema } = await given([
      { type: 'AddressClaimed', data: { mailboxId: sales, address: SHREDDED } },
      { type: 'MailboxOpened', data: { mailboxId: sales, kind: 'shared', address: SHREDDED, name: SHREDDED } },
      set(sales, ada, 'admin'),
    ]);
    expect(await bench.read.any(mailboxById(schema, ada, sales))).toMatchObject([{ address: '', aliases: [], name: '', role: 'admin' }]);
  });

  it('forgets the mailbox and memberships of who is erased', async () => {
    const { schema } = await given([
      ...story,
      { type: 'MailboxClosed', data: { mailboxId: own, by: bob } },
      { type: 'SubjectErased', data: { userId: ada, by: bob } },
    ]);
    expect(await bench.read.any(mailboxById(schema, bob, own))).toEqual([]);
    expect(await bench.read.any(rolesOf(schema, ada))).toEqual([]);
    expect(await bench.read.any(membersIn(schema, sales, null, 10))).toEqual([{ userId: bob, role: 'sender' }]);
    expect(await bench.read.any(mailboxById(schema, bob, sales))).toMatchObject([{ name: 'sales' }]);
  });

  it('is the same whatever the pages', async () => {
    const erased: TidingsEvent = { type: 'SubjectErased', data: { userId: ada, by: bob } };
    const events = [...story, removed(sales, bob), set(sales, bob, 'editor'), erased, set(sales, ada, 'viewer')];
    expect(await (await given(events, 1)).dump()).toEqual(await (await given(events, 500)).dump());
  });
});
