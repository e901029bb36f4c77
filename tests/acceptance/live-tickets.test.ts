/** A browser's EventSource cannot send a token: it is let in by a ticket, once, for as long as the token lasts. */
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { createRoom, INSTANT, type Ism, ok, request, say, joinIsm, UNAUTHORIZED, problem } from './ism/ism.ts';

let ism: Ism<'Ann' | 'Ben'>;
let room: ChatRoom;
const open: Listening[] = [];

beforeAll(async () => {
  ism = await joinIsm('tickets', 'Ann', 'Ben');
  room = await createRoom(ism.as.Ann, 'Group', [ism.as.Ben], 'Team');
});
afterAll(async () => {
  for (const one of open) one.close();
  await ism.close();
});

const ticketFor = async (token: string): Promise<string> => {
  const answer = await request(ism.program, '/api/stream-ticket', { method: 'POST', headers: { authorization: `Bearer ${token}` } });
  const { ticket, expiresAt } = ok<{ ticket: string; expiresAt: string }>(answer);
  expect(expiresAt).toEqual(INSTANT);
  expect(Date.parse(expiresAt) - Date.now()).toBeLessThanOrEqual(60_000);
  return ticket;
};
const listen = async (ticket: string, lastEventId?: string): Promise<Listening> => {
  const listening = await Listening.openByTicket(ism.program.httpUrl, ticket, lastEventId);
  open.push(listening);
  return listening;
};

describe('a stream ticket', () => {
  it('opens the stream of its holder, from now or from an id on', async () => {
    const { Ann, Ben } = ism.as;
    const ear = await listen(await ticketFor(Ben.token));
    await say(Ann, room.id, 'one');
    await ear.until(({ heard }) => heard.length === 1);
    await say(Ann, room.id, 'two');
    const again = await listen(await ticketFor(Ben.token), ear.heard[0]?.id);
    await again.until(({ heard }) => heard.length === 1);
    expect(again.heard[0]).toMatchObject({ event: { type: 'ChatMessage', message: { msgBody: { text: 'two' } } } });
  });

  it('serves once; forged, emptied, or another’s token in its place, it opens nothing', async () => {
    const ticket = await ticketFor(ism.as.Ann.token);
    await listen(ticket);
    const refusals = [ticket, `${ticket}x`, '', 'nonsense', ism.as.Ann.token];
    for (const one of refusals) {
      const answer = await request(ism.program, `/api/sse?ticket=${encodeURIComponent(one)}`);
      expect(problem(answer), one).toEqual(UNAUTHORIZED);
      expect(answer.headers.get('www-authenticate')).toContain('Bearer');
    }
  });

  it('is for the live stream alone, and for nobody without a token', async () => {
    const ticket = await ticketFor(ism.as.Ann.token);
    expect(problem(await request(ism.program, `/api/rooms?ticket=${ticket}`))).toEqual(UNAUTHORIZED);
    expect(problem(await request(ism.program, '/api/rooms', { headers: { authorization: `Bearer ${ticket}` } }))).toEqual(UNAUTHORIZED);
    expect(problem(await request(ism.program, '/api/stream-ticket', { method: 'POST' }))).toEqual(UNAUTHORIZED);
  });

  it('ends with the token it was made from, and so does its stream', async () => {
    const token = await ism.issuer.token({ sub: ism.as.Ben.id, name: 'Ben' }, 4);
    const [ticket, late] = [await ticketFor(token), await ticketFor(token)];
    const ear = await listen(ticket);
    await ear.until(({ ended }) => ended, 20_000);
    const answer = await request(ism.program, `/api/sse?ticket=${late}`);
    expect([answer.status, answer.json<Problem>().errorCode]).toEqual([401, 'TOKEN_EXPIRED']);
  }, 30_000);
});
