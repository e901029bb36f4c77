/**
 * The gateway's way in: a process manager over mail that its doors have taken. Mails of one conversation are worked on in their order, others beside
 * them, so that nobody waits for somebody else's pictures.
 */
import type { HeldMailConfirmed } from '@tidings/contracts/events/gateway-mail';
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import { streamId } from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import { gatewayMail, gatewayMailKey } from '@tidings/domain/gateway-mail/index';
import { createCommands } from '@tidings/infra/commands/create-commands';
import { openDns } from '@tidings/infra/dns/system-dns';
import { openImages } from '@tidings/infra/images/images';
import { openMailAuth } from '@tidings/infra/mail-auth/mail-auth';
import { openMime } from '@tidings/infra/mime/mime';
import { followLog } from '@tidings/infra/process-manager/follow-log';
import { type ProcessManager, startProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Logger } from 'pino';
import { openReplyAddresses } from '../../../platform/src/gateway/reply-addresses.ts';
import { resolveAddressIn } from '../../../platform/src/gateway/resolve.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { watchFlood } from './flood.ts';
import { workOn, type WorkParts } from './work.ts';

/** Of its leases and checkpoints. */
const GATEWAY_IN = 'gateway-in';
const TYPES: readonly EventType[] = ['GatewayMailReceived', 'HeldMailConfirmed'];
/** People wait for it. */
const GATHER_MS = 20;
/** Conversations worked on at a time: most of them wait, for a thread, for DNS or for the log. */
const AT_ONCE = 32;

export const startGatewayIn = async (platform: Platform, logger: Logger, lease: LeaseOptions | undefined): Promise<ProcessManager> => {
  const { config, log, events, pool, now } = platform;
  const replies = await openReplyAddresses(platform);
  const mime = openMime();
  const images = openImages();
  const dns = openDns({ servers: config.dnsServers });
  const { auth, trustedSealers } = config.mailChecks;
  const authenticator = auth ? openMailAuth({ dns, trustedSealers }) : null;
  const { trustedAuthservIds } = config.gateway;
  const resolve = resolveAddressIn(platform, replies);
  const tokenIn = (address: string): string | null => replies.tokenIn(address);
  const fixed = { platform, mime, images, authenticator, trustedAuthservIds, resolve, tokenIn };
  const { shards } = log;
  const laneOf = laneIn((address) => replies.conversationIn(address));
  const follow = async (turn: Turn): Promise<void> => {
    const parts: WorkParts = { ...fixed, flood: watchFlood(platform), own: { mappedUpTo: turn.position } };
    const before = await log.head(turn.shard);
    const onEvent = async (event: Recorded): Promise<void> => {
      // What came since the turn began has been worked on by nobody: its stream need not be read to see that.
      if (event.type === 'GatewayMailReceived' && event.position > before) {
        platform.commands.learn(gatewayMail, gatewayMailKey(event.data.mailId), event);
      }
      if (event.type === 'GatewayMailReceived') await workOn(parts, event, false);
      if (event.type === 'HeldMailConfirmed') await workOnConfirmed(parts, event);
    };
    return followLog({ log, events, logger, types: TYPES, gatherMs: GATHER_MS, onEvent, laneOf, atOnce: AT_ONCE })(turn);
  };
  const manager = startProcessManager({ name: GATEWAY_IN, shards, pool, logger, now, lease, follow });
  return {
    health: manager.health,
    stop: async () => {
      await manager.stop();
      dns.close();
      await Promise.all([mime.close(), images.close(), authenticator?.close()]);
    },
  };
};

/**
 * What has to stay in order: a conversation, where the mail names one by a token, else what one author sends. The token is looked at more closely when
 * the mail is worked on.
 */
const laneIn =
  (conversationIn: (address: string) => string | null) =>
  (event: Recorded): string => {
    if (event.type !== 'GatewayMailReceived') return event.stream;
    const envelope = reveal(event.data.envelope, null);
    return envelope?.rcptTo.map(conversationIn).find((id) => id !== null) ?? event.data.senderId;
  };

/** The mail itself stands at the beginning of its stream. */
const workOnConfirmed = async (parts: WorkParts, { data: { mailId } }: Recorded<HeldMailConfirmed>): Promise<void> => {
  const { events } = parts.platform;
  const recorded = await events.readStream(streamId(gatewayMail.category, gatewayMailKey(mailId)));
  // On the states as they are: what another process decided a moment ago is what it is about.
  const platform = { ...parts.platform, commands: createCommands(events, { freshForMs: 0 }) };
  const received = recorded.find((event) => event.type === 'GatewayMailReceived');
  if (received !== undefined) await workOn({ ...parts, platform }, received, true);
};
