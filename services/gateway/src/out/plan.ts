/** As a message comes: who of its room is to be told of it by mail, by which of their wishes, and when. */
import type { Decider } from '@tidings/contracts/decider';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import type { MailingRecipient } from '@tidings/contracts/events/mailing';
import { MessageId, RoomId, streamId, UserId } from '@tidings/contracts/ids';
import type { LoggedEvent, Position } from '@tidings/contracts/ports/event-log';
import { msOf, type Timestamp, timestamp } from '@tidings/contracts/time';
import { isBlockedBy, relationship, relationshipKey } from '@tidings/domain/relationship/index';
import { type DigestTimes, nextDigest, notices, noticesKey, policyIn } from '@tidings/domain/notices/index';
import { membersOf, room, roomKey } from '@tidings/domain/room/index';
import type { GatewayOut } from '@tidings/infra/config/gateway-out';
import { isAnyWanted, outsidersIn, roomsWanted, wantingAmong } from '@tidings/projections/mail-policies/index';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import type { Platform } from '../../../platform/src/platform.ts';

/** What of `MessageSent` is in the open, in every version of it: reading more would cost a key for each message there is. */
const Sent = t.readonly(t.type({ roomId: RoomId, messageId: MessageId, senderId: UserId }));
export interface SentMessage extends t.TypeOf<typeof Sent> {
  readonly at: number;
  readonly position: Position;
}

export const sentMessage = ({ data, recordedAt, position }: LoggedEvent): SentMessage | null => {
  const sent = Sent.decode(data);
  return E.isLeft(sent) ? null : { ...sent.right, at: msOf(recordedAt), position };
};

type Parts = Pick<Platform, 'read' | 'liveSchema' | 'commands' | 'events' | 'log'>;

type Settings = Pick<GatewayOut, 'holdMs' | 'digestEveryMs'>;

/** When what is said at `after` (milliseconds since the epoch) goes out in a digest: at the next of its reader's times, or of the same times for all. */
export const digestAfter = ({ digestEveryMs }: Pick<GatewayOut, 'digestEveryMs'>, times: DigestTimes, after: number): Timestamp =>
  digestEveryMs === null ? nextDigest(times, after) : timestamp((Math.floor(after / digestEveryMs) + 1) * digestEveryMs);

export interface Planned {
  readonly message: SentMessage;
  /** At least one. */
  readonly recipients: readonly MailingRecipient[];
}

/**
 * Reads `mail-policies`, which must have come so far.
 * @param settings how long a message waits before it goes out
 */
export const planMailings = async (parts: Parts, messages: readonly SentMessage[], settings: Settings): Promise<readonly Planned[]> => {
  const { read, liveSchema } = parts;
  const schema = liveSchema('mail-policies');
  const rooms = [...new Set(messages.map(({ roomId }) => roomId))];
  if (rooms.length === 0) return [];
  const [wanted, outsiders, { any }] = await Promise.all([
    read.any(roomsWanted(schema, rooms)),
    read.any(outsidersIn(schema, rooms)),
    read.one(isAnyWanted(schema)),
  ]);
  const outside = Map.groupBy(outsiders, ({ roomId }) => roomId);
  const candidates = any ? new Set(rooms) : new Set([...wanted.map(({ roomId }) => roomId), ...outside.keys()]);
  const planned: Planned[] = [];
  for (const message of messages) {
    if (!candidates.has(message.roomId)) continue;
    const others = new Set((outside.get(message.roomId) ?? []).map(({ userId }) => userId));
    const recipients = await recipientsOf(parts, message, others, settings);
    if (recipients.length > 0) planned.push({ message, recipients });
  }
  return planned;
};

/** By what held as the message was said, however long ago that is: the log may be read again from its beginning. */
const recipientsOf = async (
  parts: Parts,
  message: SentMessage,
  outsiders: ReadonlySet<UserId>,
  settings: Settings,
): Promise<readonly MailingRecipient[]> => {
  const { read, liveSchema } = parts;
  const { roomId, senderId, at } = message;
  const members = membersOf(await stateAt(parts, room, roomKey(roomId), message)).filter((member) => member !== senderId);
  const wanting = new Set((await read.any(wantingAmong(liveSchema('mail-policies'), members))).map(({ userId }) => userId));
  const recipients: MailingRecipient[] = [];
  for (const userId of members) {
    if (!wanting.has(userId) && !outsiders.has(userId)) continue;
    const said = await stateAt(parts, notices, noticesKey(userId), message);
    const policy = policyIn(said, roomId, outsiders.has(userId));
    if (policy === 'never') continue;
    if (isBlockedBy(await stateAt(parts, relationship, relationshipKey(senderId, userId), message), userId)) continue;
    const due = policy === 'digest' ? digestAfter(settings, said.digest, at) : timestamp(at + settings.holdMs);
    recipients.push({ userId, policy, dueAt: due });
  }
  return recipients;
};

/** Without what came after the message. Only of such streams is there more to read than `commands` remembers; shards have positions of their own. */
const stateAt = async <State, Command, Event extends TidingsEvent, Rejection extends { readonly type: string }>(
  { commands, events, log }: Parts,
  decider: Decider<State, Command, Event, Rejection>,
  key: string,
  { at, position }: SentMessage,
): Promise<State> => {
  const loaded = await commands.load(decider, key);
  if (log.shards.length === 1 && loaded.position <= position) return loaded.state;
  const before = (await events.readStream(streamId(decider.category, key))).filter(({ recordedAt }) => msOf(recordedAt) <= at);
  // A stream holds its own decider's events, and `evolve` ignores those it does not know.
  return before.reduce((state, event) => decider.evolve(state, event as unknown as Event), decider.initial);
};
