/** Stream `notices-<userId>`: when a user is told by mail of what is said in their rooms. */
import * as t from 'io-ts';
import { described } from '../json-schema.ts';
import { nullable, oneOf, text } from '../codec.ts';
import { RoomId, UserId } from '../ids.ts';
import { defineEvent, type EventOf } from './definition.ts';

/** A mail for each message, all of a time together in one mail, a mail only for who is not looking, or none. */
export const MailPolicy = oneOf('at-once', 'digest', 'when-away', 'never');
export type MailPolicy = t.TypeOf<typeof MailPolicy>;

const CLOCK = /^([01]\d|2[0-3]):[0-5]\d$/;
/** A time of day, `08:00`. */
export const ClockTime = described(
  new t.Type<string>(
    'time of day',
    (u): u is string => typeof u === 'string' && CLOCK.test(u),
    (u, c) => (typeof u === 'string' && CLOCK.test(u) ? t.success(u) : t.failure(u, c, 'must be a time of day from 00:00 to 23:59')),
    t.identity,
  ),
  { type: 'string', pattern: CLOCK.source },
);

export const MailPolicySet = defineEvent({
  type: 'MailPolicySet',
  doc: 'A user said when they want mail of a room (null: of every room for which they say nothing else), or left by a link in such a mail. A null policy: as it is for everybody.',
  data: t.readonly(
    t.type({
      userId: UserId,
      roomId: nullable(RoomId),
      policy: nullable(MailPolicy),
      by: oneOf('user', 'unsubscribe'),
    }),
  ),
});
export type MailPolicySet = EventOf<typeof MailPolicySet>;

export const DigestTimesSet = defineEvent({
  type: 'DigestTimesSet',
  doc: 'A user said at what times of their day they want digests.',
  data: t.readonly(t.type({ userId: UserId, timeZone: text(1, 100), times: t.readonlyArray(ClockTime) })),
});
export type DigestTimesSet = EventOf<typeof DigestTimesSet>;

export const noticesEvents = [MailPolicySet, DigestTimesSet] as const;
export type NoticesEvent = EventOf<(typeof noticesEvents)[number]>;
