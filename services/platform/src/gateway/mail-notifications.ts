/** When someone is told by mail of what is said in their rooms, as its routes show it. */
import type { MailNotifications, RoomMailNotifications } from '@tidings/contracts/http/gateway-out';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import { DEFAULT_DIGEST, policyIn } from '@tidings/domain/notices/index';
import { user, userKey } from '@tidings/domain/user/index';
import { outsidersIn, policiesOf } from '@tidings/projections/mail-policies/index';
import type { Platform } from '../platform.ts';

/** The read model that these read. */
export const NOTIFICATION_READS = ['mail-policies'];

type Parts = Pick<Platform, 'read' | 'liveSchema' | 'commands'>;

export const mailNotificationsOf = async ({ read, liveSchema, commands }: Parts, userId: UserId): Promise<MailNotifications> => {
  const [said, { state }] = await Promise.all([
    read.one(policiesOf(liveSchema('mail-policies'), userId)),
    commands.load(user, userKey(userId)),
  ]);
  const address = state.kind === 'registered' ? reveal(state.email, null) : null;
  return { address, standard: said.standard, digest: said.digest ?? DEFAULT_DIGEST, rooms: said.rooms };
};

export const roomMailNotificationsOf = async (
  { read, liveSchema }: Pick<Platform, 'read' | 'liveSchema'>,
  userId: UserId,
  roomId: RoomId,
): Promise<RoomMailNotifications> => {
  const schema = liveSchema('mail-policies');
  const [{ standard, rooms }, outsiders] = await Promise.all([
    read.one(policiesOf(schema, userId)),
    read.any(outsidersIn(schema, [roomId])),
  ]);
  const isOutsider = outsiders.some((one) => one.userId === userId);
  const own = rooms.find((one) => one.roomId === roomId)?.policy ?? null;
  return { roomId, own, policy: policyIn({ standard, rooms: new Map(rooms.map((one) => [one.roomId, one.policy])) }, roomId, isOutsider) };
};
