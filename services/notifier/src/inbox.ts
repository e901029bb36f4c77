/**
 * Custom notifications by Kafka (chat-contract §6), in the same form as `POST /api/notify`. A message that comes again changes nothing; one that
 * cannot be understood is passed over and said so.
 */
import { decode } from '@tidings/contracts/codec';
import { CustomNotification } from '@tidings/contracts/http/notify';
import { derivedId, type CommandId } from '@tidings/contracts/ids';
import { notification, notificationIdOf, notificationKey } from '@tidings/domain/notification/index';
import { user, userKey } from '@tidings/domain/user/index';
import { startKafkaConsumer, type KafkaConsumer, type KafkaMessage } from '@tidings/infra/kafka/consumer';
import * as E from 'fp-ts/lib/Either.js';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import type { Measures } from './measures.ts';

export const NOTIFICATIONS_TOPIC = 'user-notification-events';
const GROUP = 'tidings-notifications';

export interface InboxParts {
  readonly platform: Pick<Platform, 'commands' | 'config'>;
  readonly logger: Logger;
  readonly measures: Measures;
}

export const startInbox = ({ platform, logger, measures }: InboxParts): KafkaConsumer =>
  startKafkaConsumer({
    ...platform.config.kafka,
    logger,
    groupId: GROUP,
    topic: NOTIFICATIONS_TOPIC,
    onMessage: async (message) => {
      const refused = await take(platform, message);
      measures.heard(refused === null ? 'sent' : 'refused');
      if (refused !== null) logger.warn({ place: message.place, reason: refused }, 'a custom notification from Kafka was refused');
    },
  });

/**
 * @returns why it was refused, or null
 * @throws for outages
 */
export const take = async ({ commands }: InboxParts['platform'], { value, place }: KafkaMessage): Promise<string | null> => {
  const decoded = decode(CustomNotification, parsed(value));
  if (E.isLeft(decoded)) return decoded.left.map(({ path, message }) => `${path} ${message}`).join('; ');
  const { toUser, message, id = place } = decoded.right;
  const { state } = await commands.load(user, userKey(toUser));
  if (state.kind !== 'registered') return 'there is no such user';
  const notificationId = notificationIdOf(toUser, id);
  const sent = await commands.transact(
    notification,
    notificationKey(toUser, notificationId),
    { type: 'SendNotification', notificationId, toUser, message },
    { commandId: derivedId<CommandId>('kafka-notification', place) },
  );
  return E.isLeft(sent) ? 'its id stands for another notification' : null;
};

const parsed = (value: Buffer | null): unknown => {
  try {
    return JSON.parse(value?.toString('utf8') ?? '') as unknown;
  } catch {
    return undefined; // which is no notification
  }
};
