import type { CommandId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { user, userKey } from '@tidings/domain/user/index';
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import { demoPeople } from './people.ts';
import { seedDemo } from './seed.ts';

it('seeds once, and brings nobody back who was erased', async () => {
  const platform = memoryPlatform();
  await seedDemo(platform);
  const seeded = await platform.log.head(0);
  await seedDemo(platform);
  expect(await platform.log.head(0)).toBe(seeded);
  expect(seeded).not.toBe(START);

  const [somebody] = demoPeople('tidings.test');
  if (somebody === undefined) throw new Error('there are demo people');
  const { userId } = somebody;
  const context = { commandId: randomUUID() as string as CommandId }; // a UUID is what the codec asks for
  await platform.commands.transact(user, userKey(userId), { type: 'EraseUser', userId, by: userId }, context);
  const erased = await platform.log.head(0);
  await seedDemo(platform);
  expect(await platform.log.head(0)).toBe(erased);
});
