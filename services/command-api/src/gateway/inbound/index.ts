/** Webhooks that bring mail into the gateway, each with its provider's own check of who calls. A call that was taken is answered when the mail is durable. */
import {
  inboundEmail,
  inboundFromMailgun,
  inboundFromPostmark,
  inboundFromSendgrid,
  inboundFromSes,
  type InboundRoute,
} from '@tidings/contracts/http/gateway-inbound';
import { derivedId, type GatewayMailId } from '@tidings/contracts/ids';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { createHash } from 'node:crypto';
import { ApiError } from '../../../../http-kit/src/errors.ts';
import { handlePublic } from '../../../../http-kit/src/handle.ts';
import { openReplyAddresses } from '../../../../platform/src/gateway/reply-addresses.ts';
import { resolveAddressIn, type ResolveAddress } from '../../../../platform/src/gateway/resolve.ts';
import { takeGatewayMail } from '../../../../platform/src/gateway/take-mail.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import type { Delivery } from './delivery.ts';
import type { Door, InboundRequest } from './door.ts';
import { mailgunDoor } from './mailgun.ts';
import { postmarkDoor } from './postmark.ts';
import { seedDoor, unsigned } from './seed.ts';
import { sendgridDoor } from './sendgrid.ts';
import { sesDoor } from './ses.ts';

const MOST_RECIPIENTS = 100;
const PROCESSED = { success: true, message: 'Email processed' } as const;

export const registerInbound = (app: FastifyInstance, platform: Platform): void => {
  const { webhookSecrets, postmarkCredentials, sendgridKey, mailgunKey, sesTopics } = platform.config.gateway;
  const resolve = resolver(platform);
  const open = (route: InboundRoute, door: Door | null): void => registerDoor(app, platform, route, door, resolve);
  open(inboundEmail, webhookSecrets.length === 0 ? null : seedDoor(webhookSecrets));
  open(inboundFromPostmark, postmarkCredentials === null ? null : postmarkDoor(postmarkCredentials));
  open(inboundFromSendgrid, sendgridKey === null ? null : sendgridDoor(sendgridKey));
  open(inboundFromMailgun, mailgunKey === null ? null : mailgunDoor(mailgunKey));
  open(inboundFromSes, sesTopics.length === 0 ? null : sesDoor({ topics: sesTopics }));
};

/** Opened at the first call; a failure does not stay. */
const resolver = (platform: Platform): ResolveAddress => {
  let opened: Promise<ResolveAddress> | null = null;
  return async (address) => {
    opened ??= openReplyAddresses(platform).then((replies) => resolveAddressIn(platform, replies));
    opened.catch(() => (opened = null));
    return (await opened)(address);
  };
};

const registerDoor = (app: FastifyInstance, platform: Platform, route: InboundRoute, door: Door | null, resolve: ResolveAddress): void => {
  const maxBytes = platform.config.smtp.maxMessageBytes;
  // A scope of its own: signatures are over the very bytes. Base64 is a third longer than what it says.
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: Math.ceil((maxBytes * 4) / 3) + 1024 * 1024 }, (_request, body, done) =>
      done(null, body),
    );
    handlePublic(scope, platform, route, async ({ request, reply, traceId }) => {
      const asked = requestOf(request, platform.now());
      if (door === null) throw refuse(scope, request, reply, 'This door is not open: its secret is not configured.');
      if (!door.types.test(asked.contentType))
        throw new ApiError('UNSUPPORTED_MEDIA_TYPE', `This takes ${door.types.source.replace(/[\\^]|\(\?.*|\\b/g, '')}.`);
      await authenticated(scope, door, asked, request, reply);
      const delivery = await door.read(asked);
      if (delivery === null) return { success: true, message: 'Confirmed' } as const;
      const rcptTo = await ours(resolve, delivery);
      if (rcptTo.length === 0) {
        const status = door.stop ?? 422;
        reply.code(status);
        return { success: false, message: 'None of its recipients is ours, or its token is not good' } as const;
      }
      const blob = await platform.blobs.put(delivery.raw, { maxBytes, thenAppended: true });
      const mailId = derivedId<GatewayMailId>('webhook', door.name, createHash('sha256').update(asked.body).digest('hex'));
      const envelope = { mailFrom: delivery.mailFrom.slice(0, 1000), rcptTo, helo: '', clientAddress: '' };
      await takeGatewayMail(platform, { mailId, door: door.name, blob, envelope, said: delivery.said, traceId });
      return PROCESSED;
    });
  });
};

const requestOf = (request: FastifyRequest, now: number): InboundRequest => ({
  body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
  header: (name) => {
    const value = request.headers[name];
    return typeof value === 'string' ? value : null;
  },
  contentType: request.headers['content-type'] ?? '',
  now,
});

/** Who may not come in counts as one whose token is not valid; who may, as the back end that they are. */
const authenticated = async (
  app: FastifyInstance,
  door: Door,
  asked: InboundRequest,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> => {
  try {
    await door.authenticate(asked);
  } catch (thrown) {
    if (thrown instanceof ApiError && thrown.status === 401) throw refuse(app, request, reply, thrown.message);
    throw thrown;
  }
  app.rateLimiter.take('service', `gateway ${door.name}`, reply);
};

/** @throws ApiError 429 instead, when there were too many */
const refuse = (app: FastifyInstance, request: FastifyRequest, reply: FastifyReply, message: string): ApiError => {
  app.rateLimiter.take('failures', request.ip, reply);
  return unsigned(message);
};

/** Those that are ours: a token that is good, or a mailbox. */
const ours = async (resolve: ResolveAddress, { rcptTo }: Delivery): Promise<readonly string[]> => {
  const distinct = [...new Set(rcptTo)].slice(0, MOST_RECIPIENTS).filter((address) => address.length <= 1000);
  const found = await Promise.all(distinct.map(resolve));
  return distinct.filter((_, at) => found[at] !== null);
};
