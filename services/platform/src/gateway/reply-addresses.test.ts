import type { ConversationId } from '@tidings/contracts/ids';
import { loadConfig } from '@tidings/infra/config/config';
import * as E from 'fp-ts/lib/Either.js';
import { expect, it } from 'vitest';
import { memoryPlatform } from '../../../http-kit/src/testing/memory-platform.ts';
import { openReplyAddresses } from './reply-addresses.ts';

const recipient = { conversationId: '123e4567-e89b-12d3-a456-426614174000' as ConversationId, number: 1, address: 'grace@example.org' };
const platformWith = (env: Record<string, string>) => {
  const config = loadConfig(env);
  if (E.isLeft(config)) throw new Error(config.left.join());
  return memoryPlatform({ config: config.right });
};

it('are made and read by the configured secret, at the configured domain', async () => {
  const addresses = await openReplyAddresses(platformWith({ EMAIL_REPLY_SECRET: 'one', EMAIL_REPLY_DOMAIN: 'In.Town.test' }));
  const { address, token, redacted } = addresses.addressFor(recipient);
  expect([address, redacted]).toEqual([`reply+${token}@in.town.test`, `${token.slice(-6)}…`]);
  expect(addresses.tokenIn(address.toUpperCase())).toBe(token.toUpperCase());
  expect(addresses.read(token)).toMatchObject({ right: { version: 'v2' } });
  const rotated = await openReplyAddresses(platformWith({ EMAIL_REPLY_SECRET: 'two', EMAIL_REPLY_SECRETS_PREVIOUS: 'zero, one' }));
  const read = rotated.read(token);
  expect(E.isRight(read) && read.right.version === 'v2' && read.right.claims.some((claim) => claim.isFor(recipient.address))).toBe(true);
});

it('are of the older kind where that is asked for', async () => {
  const addresses = await openReplyAddresses(platformWith({ EMAIL_REPLY_TOKEN: 'v1' }));
  const { address, token } = addresses.addressFor(recipient);
  expect(address).toMatch(/@inbox\.tidings\.test$/);
  expect(addresses.read(token)).toMatchObject({ right: { version: 'v1', conversationId: recipient.conversationId } });
});

it('without a secret have one of their own, the same after a restart', async () => {
  const platform = platformWith({});
  const [one, other] = [await openReplyAddresses(platform), await openReplyAddresses(platform)];
  expect(one.addressFor(recipient)).toEqual(other.addressFor(recipient));
  expect((await openReplyAddresses(platformWith({}))).addressFor(recipient)).not.toEqual(one.addressFor(recipient));
});
