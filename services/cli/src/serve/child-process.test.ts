import { pino } from 'pino';
import { expect, it } from 'vitest';
import { childPid } from '../../../../tests/kit/child-pid.ts';
import { startChild } from './child-process.ts';

it('ends a child that is not wanted after all, before it has opened anything', async () => {
  const after = Promise.withResolvers<never>();
  const starting = startChild({
    name: 'smtp',
    groups: new Map([['smtp', ['smtp-ingress']]]),
    env: { PATH: process.env['PATH'], DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none' },
    logger: pino({ level: 'silent' }),
    after: after.promise,
  });
  expect(childPid(process.pid, 'smtp')).not.toBeNull();
  after.reject(new Error('the maker of read models failed'));
  await expect(starting).rejects.toThrow('the maker of read models failed');
  expect(childPid(process.pid, 'smtp')).toBeNull();
});
