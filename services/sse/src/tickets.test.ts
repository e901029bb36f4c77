import { TICKET_MS } from '@tidings/contracts/http/sync';
import { msOf } from '@tidings/contracts/time';
import { memorySubjectKeys } from '@tidings/infra/subject-keys/memory';
import { SignJWT } from 'jose';
import { describe, expect, it } from 'vitest';
import { ApiError } from '../../http-kit/src/errors.ts';
import { person } from '../../http-kit/src/testing/known-people.ts';
import { createTickets } from './tickets.ts';

const NOW = Date.UTC(2026, 0, 1);

/** Two nodes with one database. */
const nodes = () => {
  let now = NOW;
  const keys = memorySubjectKeys();
  const spent = new Set<string>();
  const spend = (ticket: string): Promise<boolean> => Promise.resolve(!spent.has(ticket) && spent.add(ticket).size > 0);
  const node = () => createTickets({ keys, now: () => now, spend });
  return { here: node(), there: node(), pass: (ms: number) => (now += ms) };
};
const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'accepted';
  } catch (thrown) {
    if (thrown instanceof ApiError) return thrown.code;
    throw thrown;
  }
};

describe('a ticket', () => {
  const ada = person('ada', { expiresAt: NOW + 3_600_000, isAdmin: true, roles: ['tidings-admin'] });

  it('says at every node who holds it and when their token ends, and nothing of what they may beside', async () => {
    const { here, there } = nodes();
    const { ticket, expiresAt } = await here.issue(ada);
    expect(msOf(expiresAt)).toBe(NOW + TICKET_MS);
    expect(await there.redeem(ticket)).toMatchObject({ userId: ada.userId, expiresAt: ada.expiresAt, isAdmin: false, roles: [] });
  });

  it('serves once, wherever', async () => {
    const { here, there } = nodes();
    const { ticket } = await here.issue(ada);
    const answers = await Promise.all([here, there, here].map((node) => codeOf(node.redeem(ticket))));
    expect(answers.toSorted()).toEqual(['UNAUTHORIZED', 'UNAUTHORIZED', 'accepted']);
  });

  it('runs out, with the token it was made from at the latest', async () => {
    const { here, pass } = nodes();
    const { ticket } = await here.issue(ada);
    const short = await here.issue({ ...ada, expiresAt: NOW + 5000 });
    expect(msOf(short.expiresAt)).toBe(NOW + 5000);
    pass(5001);
    expect(await codeOf(here.redeem(short.ticket))).toBe('TOKEN_EXPIRED');
    pass(TICKET_MS);
    expect(await codeOf(here.redeem(ticket))).toBe('TOKEN_EXPIRED');
  });

  it('is refused when any part of it is not ours', async () => {
    const { here } = nodes();
    const { ticket } = await here.issue(ada);
    const [head = '', body = '', signature = ''] = ticket.split('.');
    const forge = (key: Uint8Array): Promise<string> =>
      new SignJWT({ until: NOW * 2 })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(ada.userId)
        .setAudience('tidings:live-stream')
        .setJti('c56a4180-65aa-42ec-a945-5fd21dec0538')
        .setExpirationTime('1h')
        .sign(key);
    const other = nodes();
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    const changed = `${head}.${Buffer.from(Buffer.from(body, 'base64url').toString().replace(ada.userId, person('bob').userId)).toString('base64url')}.${signature}`;
    const wrong = [
      '',
      'x',
      '..',
      unsigned,
      changed,
      `${head}.${body}.`,
      await forge(new Uint8Array(32)),
      (await other.here.issue(ada)).ticket,
    ];
    expect(await Promise.all(wrong.map((one) => codeOf(here.redeem(one))))).toEqual(wrong.map(() => 'UNAUTHORIZED'));
    expect(await codeOf(here.redeem(ticket))).toBe('accepted');
  });
});
