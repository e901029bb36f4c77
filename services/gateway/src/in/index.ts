/**
 * The gateway's way in: a process manager over mail that its doors have taken. Mails to one address are worked on in their order, those to others
 * beside them, so that nobody waits for somebody else's pictures.
 */
import type { GatewayMailReceived, HeldMailConfirmed } from '@tidings/contracts/events/gateway-mail';
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import { streamId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { gatewayMail, gatewayMailKey } from '@tidings/domain/gateway-mail/index';
import { createCommands } from '@tidings/infra/commands/create-commands';
import { openDns } from '@tidings/infra/dns/system-dns';
import { openImages } from '@tidings/infra/images/images';
import { openMailAuth } from '@tidings/infra/mail-auth/mail-auth';
import { openMime } from '@tidings/infra/mime/mime';
import { logPages } from '@tidings/infra/process-manager/follow-log';
import { type ProcessManager, startProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Logger } from 'pino';
import { openReplyAddresses } from '../../../platform/src/gateway/reply-addresses.ts';
import { resolveAddressIn } from '../../../platform/src/gateway/resolve.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { workOn, type WorkParts } from './work.ts';

/** Of its leases and checkpoints. */
const GATEWAY_IN = 'gateway-in';
const TYPES: readonly EventType[] = ['GatewayMailReceived', 'HeldMailConfirmed'];
const PAGE = 50;
/** People wait for it. */
const GATHER_MS = 20;

export const startGatewayIn = async (platform: Platform, logger: Logger, lease: LeaseOptions | undefined): Promise<ProcessManager> => {
  const { config, log, pool, now } = platform;
  const replies = await openReplyAddresses(platform);
  const mime = openMime();
  const images = openImages();
  const dns = openDns({ servers: config.dnsServers });
  const { auth, trustedSealers } = config.mailChecks;
  const authenticator = auth ? openMailAuth({ dns, trustedSealers }) : null;
  const { trustedAuthservIds } = config.gateway;
  const resolve = resolveAddressIn(platform, replies);
  const parts: WorkParts = {
    platform,
    mime,
    images,
    authenticator,
    trustedAuthservIds,
    resolve,
    tokenIn: (address) => replies.tokenIn(address),
  };
  const { shards } = log;
  const follow = (turn: Turn): Promise<void> => followMail(parts, turn, logger);
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

const followMail = async (parts: WorkParts, turn: Turn, logger: Logger): Promise<void> => {
  const { log, events } = parts.platform;
  for await (const { page, due } of logPages({ log, types: TYPES, limit: PAGE, gatherMs: GATHER_MS }, turn, turn.signal)) {
    if (due) {
      turn.report(page.atHead ? 'working' : 'behind');
      const opened = await events.open(page.events);
      for (const { event, reason } of opened.faults) {
        logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
      }
      const lanes = Map.groupBy(opened.events.filter(isOurs), laneOf);
      const worked = await Promise.allSettled([...lanes.values()].map((lane) => workOnLane(parts, lane)));
      for (const one of worked) if (one.status === 'rejected') throw one.reason;
      await turn.commit(page.next);
    }
    turn.report(page.atHead ? 'idle' : 'behind');
  }
};

type Ours = Recorded<GatewayMailReceived> | Recorded<HeldMailConfirmed>;
const isOurs = (event: Recorded): event is Ours => event.type === 'GatewayMailReceived' || event.type === 'HeldMailConfirmed';

const laneOf = (event: Ours): string =>
  event.type === 'HeldMailConfirmed' || isShredded(event.data.envelope)
    ? event.data.mailId
    : (event.data.envelope.rcptTo[0]?.toLowerCase() ?? event.data.mailId);

const workOnLane = async (parts: WorkParts, lane: readonly Ours[]): Promise<void> => {
  for (const event of lane) {
    if (event.type === 'GatewayMailReceived') await workOn(parts, event, false);
    else await workOnConfirmed(parts, event);
  }
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
