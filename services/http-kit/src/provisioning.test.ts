import { streamId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { addressKey } from '@tidings/domain/address/index';
import type { EmailAddress } from '@tidings/domain/mail/address';
import { describe, expect, it } from 'vitest';
import { personalMailboxId, provisionUser } from './provisioning.ts';
import { person } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

const typesOf = async (platform: ReturnType<typeof memoryPlatform>): Promise<readonly string[]> =>
  (await platform.log.readAll(0, START, 100)).events.map(({ type }) => type);

describe('the first valid token', () => {
  it('registers the user and opens the mailbox of an address of ours', async () => {
    const platform = memoryPlatform();
    const alice = person('alice', { email: 'Alice@TIDINGS.test' });
    const { mailboxId, position } = await provisionUser(platform, alice);
    expect(mailboxId).toBe(personalMailboxId(alice, 'alice@tidings.test' as EmailAddress));
    expect(position).toBe(await platform.log.head(0));
    expect(await typesOf(platform)).toEqual(['UserRegistered', 'AddressClaimed', 'MailboxOpened', 'MailboxMemberSet']);
  });

  it('is the only one that adds anything, however many come at once', async () => {
    const platform = memoryPlatform();
    await Promise.all(Array.from({ length: 20 }, () => provisionUser(platform, person('alice'))));
    expect(await provisionUser(platform, person('alice'))).toMatchObject({ position: START });
    expect(await typesOf(platform)).toHaveLength(4);
  });

  it('finishes what a crash cut off after the address was claimed', async () => {
    const platform = memoryPlatform();
    const alice = person('alice');
    const email = 'alice@tidings.test' as EmailAddress;
    const whole = memoryPlatform();
    await provisionUser(whole, alice);
    for (const stream of [streamId('user', alice.userId), streamId('address', addressKey(email))]) {
      for (const { id, type, version, data, meta } of await whole.log.readStream(stream, 0, 10)) {
        const known = await whole.keys.find([alice.userId as never, personalMailboxId(alice, email) as never]); // both are subjects
        expect(known.size).toBe(2);
        await platform.log.append(stream, 'any', [{ id, type, version, data, meta }]);
      }
    }
    const again = memoryPlatform({ log: platform.log, keys: whole.keys });
    expect((await provisionUser(again, alice)).mailboxId).toBe(personalMailboxId(alice, email));
    expect(await typesOf(again)).toEqual(['UserRegistered', 'AddressClaimed', 'MailboxOpened', 'MailboxMemberSet']);
  });

  it('opens no mailbox for a foreign, missing or unreadable address, nor for one that is taken', async () => {
    const platform = memoryPlatform();
    const opened = async (name: string, email: string | null) => (await provisionUser(platform, person(name, { email }))).mailboxId;
    expect(await opened('ann', 'ann@elsewhere.example')).toBeNull();
    expect(await opened('ben', null)).toBeNull();
    expect(await opened('cat', 'tidings.test')).toBeNull();
    expect(await opened('dan', 'dan@tidings.test')).not.toBeNull();
    expect(await opened('eve', '"dan"@tidings.test')).toBeNull();
  });

  it('with a new name or role changes the profile once', async () => {
    const platform = memoryPlatform();
    const ann = person('ann', { email: null });
    await provisionUser(platform, ann);
    const renamed = { ...ann, displayName: 'Ann Onymous', isAdmin: true };
    await provisionUser(platform, renamed);
    await provisionUser(platform, renamed);
    expect(await typesOf(platform)).toEqual(['UserRegistered', 'UserProfileChanged']);
  });
});
