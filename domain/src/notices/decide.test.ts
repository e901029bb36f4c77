import { expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, roomNo } from '../testing/people.ts';
import { digestTimesSet, mailPolicySet } from './events.ts';
import { notices, policyIn } from './index.ts';
import { evolve, initial } from './state.ts';

const given = specify(notices);
const room = roomNo(1);
const set = (roomId: typeof room | null, policy: 'at-once' | 'never' | null) =>
  ({ type: 'SetMailPolicy', userId: alice, roomId, policy }) as const;
const event = (roomId: typeof room | null, policy: 'at-once' | 'never' | null, by: 'user' | 'unsubscribe' = 'user') =>
  mailPolicySet({ userId: alice, roomId, policy, by });

it('a user says it for a room and for all others, and takes it back', () => {
  given().when(set(room, 'at-once')).then(event(room, 'at-once'));
  given(event(room, 'at-once')).when(set(room, 'at-once')).thenNothing();
  given(event(room, 'at-once')).when(set(room, null)).then(event(room, null));
  given().when(set(room, null)).thenNothing();
  given().when(set(null, 'never')).then(event(null, 'never'));
});

it('unsubscribing stops the mails of that conversation, once', () => {
  const unsubscribe = { type: 'Unsubscribe', userId: alice, roomId: room } as const;
  given(event(room, 'at-once'))
    .when(unsubscribe)
    .then(event(room, 'never', 'unsubscribe'));
  given(event(room, 'never', 'unsubscribe'))
    .when(unsubscribe)
    .thenNothing();
  given(event(null, 'never'))
    .when(unsubscribe)
    .then(event(room, 'never', 'unsubscribe'));
});

it('digests have times, each once and in order', () => {
  const times = (...of: string[]) => ({ type: 'SetDigestTimes', userId: alice, timeZone: 'Europe/Paris', times: of }) as const;
  const said = digestTimesSet({ userId: alice, timeZone: 'Europe/Paris', times: ['08:00', '17:30'] });
  given()
    .when(times('17:30', '08:00', '17:30'))
    .then(said);
  given(said).when(times('08:00', '17:30')).thenNothing();
  given().when(times()).thenRejected({ type: 'NoDigestTimes' });
  const all = Array.from({ length: 25 }, (_, n) => `${String(n % 24).padStart(2, '0')}:${n < 24 ? '00' : '30'}`);
  given()
    .when(times(...all))
    .thenRejected({ type: 'TooManyDigestTimes', most: 24 });
});

it('the room goes before the rest, and who takes part by mail alone gets each message', () => {
  const said = [event(null, 'never'), event(room, 'at-once')].reduce(evolve, initial);
  expect([policyIn(said, room, false), policyIn(said, roomNo(2), true)]).toEqual(['at-once', 'never']);
  expect([policyIn(initial, room, false), policyIn(initial, room, true)]).toEqual(['never', 'at-once']);
});
